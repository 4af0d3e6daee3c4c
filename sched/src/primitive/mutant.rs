//! The mutants of the models: one for each part of a protocol that must not be missing.

/// Ways to break a protocol on purpose, one bit of it at a time.
///
/// In a normal build [`broken`](super::broken) is `false` at compile time. A loom model runs once
/// whole, which must pass, and once per mutant that it claims to kill, which must
/// fail: so the model is known to see what it is there to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// `Idle::notify_any` looks for sleepers without a fence after the push.
    IdleNotifyNoFence,
    /// `Idle::sleep` looks at the queues without a fence after setting its bit.
    IdleSleepNoFence,
    /// `Idle::sleep` parks without looking at the queues again.
    IdleSleepNoRecheck,
    /// `Idle::found_work` leaves without looking for work that its search covered.
    IdleFoundNoRecheck,
    /// `Idle::notify` (targeted) never looks whether the owner sleeps.
    IdleTargetedSkipped,
    /// `OsParker::park` overwrites a token that is there already.
    ParkOverwritesToken,
    /// `RunState::transition_to_parked` overwrites a wake that came in between.
    ParkOverwritesWake,
    /// `Thread::unpark` wakes a waiter but leaves no token when there is none.
    UnparkDropsToken,
    /// `Inbox::push` tells every pusher that somebody else will wake the owner.
    InboxPushSilent,
    /// `Waiter::claim` succeeds although another side has already left `Waiting`.
    ClaimTwice,
    /// A waker does not see that the thread has stopped watching its waiter, and parks.
    WatchEndsUnseen,
    /// A waiter whose wait was given up stays in the wait list.
    WaiterNotUnlinked,
    /// A worker goes to sleep without looking whether its runtime closes.
    ShutdownNotRechecked,
    /// The thread that finishes does not look whether a joiner is registered.
    FinishSkipsJoiner,
    /// The thread that finishes does not tell a joiner that has left that it is done.
    JoinerNotServed,
    /// `Slot::take` reads and clears in two steps.
    SlotTakenTwice,
    /// A fresh thread is dealt to a worker without a fence before the look at the shutdown.
    DealtUnexpected,
    /// A dealer that finds the runtime closing takes its count back and tells nobody.
    DealtWithdrawnSilently,
    /// `Shared::help` counts a dealt thread as come before it lies where it goes.
    HelpCountsTooEarly,
    /// `Shared::help` does not look whether the runtime closes.
    HelpNotRefused,
    /// A shutdown ends migrating threads that were woken as if they had not started.
    RefusesStarted,
    /// The last migrating thread of a shutdown is looked for without a fence.
    MovingEndNoFence,
    /// A worker parks a migrating thread without looking whether it is cancelled.
    CancelUnseenWhenParking,
    /// A worker does not look, when it lists a sticky thread, whether that is cancelled.
    CancelUnseenWhenListing,
    /// Whoever cancels a sticky thread does not wake the worker that is to do it.
    CancelMessageSilent,
    /// `RunState::hold` lets others resume the thread.
    HoldSkipped,
    /// `RunState::release` overwrites a wake that came in between.
    ReleaseIgnoresWake,
    /// Whoever asks whether a thread is over does not see what it has left.
    FinishedRelaxed,
    /// `Completion::release` counts down in two steps.
    ReleasedTwice,
    /// The last reference does not see what the others did.
    ReleasedRelaxed,
    /// `Inbox::take_all` reads and clears in two steps.
    InboxTakenTwice,
    /// `Monitor::look_up` looks for a sleeping monitor without a fence.
    MonitorLookUpNoFence,
    /// `Monitor::sleep` looks at the workers without a fence.
    MonitorSleepNoFence,
    /// `Monitor::sleep` parks without looking at the workers again.
    MonitorSleepNoRecheck,
    /// A thread of the blocking pool whose time is up leaves although a job was promised to it.
    PoolLeavesPromised,
    /// Whoever submits a job takes an idle thread for free that was promised to another.
    PoolPromisesTwice,
    /// A thread of the blocking pool ends when that is closed, although a job was promised to it.
    PoolClosesWithJobs,
    /// A waiter whose wait has ended leaves its timer set.
    TimerNotRemoved,
    /// A timer is fired after the lock of the heap was given up.
    TimerFiredUnlocked,
    /// Whoever sets a resettable timer tells nobody who waits for it.
    TimerSetSilently,
    /// An arm of a select reads its timer's deadline, and gets in line, under two locks.
    TimerEnlistedBetween,
    /// Whoever ends a claimed wait does not publish what it has handed over.
    DoneRelaxed,
    /// `Waiter::withdraw` overwrites a claim.
    WithdrawOverwrites,
    /// A select gets in line without looking again whether it need not wait.
    EnlistNotRechecked,
    /// A select that gets in line takes itself for somebody else.
    EnlistFindsItself,
    /// A case of a select that was not chosen stays in line.
    LoserStaysInLine,
    /// A channel that closes does not send its senders away.
    CloseSkipsSenders,
    /// A channel that closes does not send its receivers away.
    CloseSkipsReceivers,
    /// A channel that closes does not tell those that watch it.
    CloseSkipsWatchers,
    /// Senders and receivers are counted down in two steps.
    LastEndUnnoticed,
    /// Whoever takes a value leaves the room to nobody.
    RefillSkipped,
    /// Those that watch a channel are not told.
    WatchersNotTold,
    /// A future that is dropped after it was told of a value tells nobody else.
    ToldTaskKeepsQuiet,
    /// A future that is polled again keeps the waker that it was polled with first.
    WakerNotReplaced,
    /// A grant that was used or given back leaves what it held to nobody.
    GrantNotSettled,
    /// A grant that is given back is not passed on to another selected sender beside a task.
    SecondNotGranted,
    /// What a selected sender sends is put into the channel without a look at who waits for it.
    GrantedUndelivered,
    /// A selected sender in line is claimed before those behind it that have a value.
    SelectedSenderFirst,
    /// A selected sender finds a partner while there are values that tasks were told of.
    PartnerPassesValues,
    /// Those that watch for values do not hear of those that tasks were told of.
    TaskToldAlone,
    /// Whoever gives a grant back forgets the partner that stands by.
    PartnerNotReleased,
    /// A lock is released without publishing what was done under it.
    LockLeftRelaxed,
    /// A value is sent through a oneshot without being seen.
    OneshotSentRelaxed,
    /// A value is sent through a oneshot whose receiver has closed it, or is gone.
    OneshotSentAfterClose,
    /// Whoever sends through a oneshot tells nobody.
    OneshotSentSilently,
    /// The end of a oneshot that was told of late does not hear that it may go.
    OneshotNotLetGo,
    /// Whoever frees a oneshot does not see what the other end did.
    OneshotGoneRelaxed,
    /// Whoever waits for an announcement looks and gets in line under two locks.
    AnnouncedBetween,
    /// A change is announced to nobody.
    AnnouncedSilently,
    /// A watch is changed in place of what another has made of it meanwhile.
    WatchChangedBlindly,
    /// Whoever wants to change a watch does not wait for its turn.
    WatchTurnless,
    /// Whoever leaves the line for a lock does not say so.
    LeftSilently,
    /// A future that is dropped keeps the lock it was handed, or the news that it is free.
    DroppedKeepsTurn,
    /// A lock is unlocked without a look whether somebody waits.
    UnlockSkipsWaiters,
    /// Whoever waits for a lock does not say so in its state.
    WaitUnannounced,
    /// A lock that is handed over is unlocked all the same.
    HandOverUnlocks,
    /// A lock forgets those behind the first in line.
    SecondForgotten,
    /// Whoever waits for a condition unlocks the mutex before it gets in line.
    CondvarUnlocksFirst,
    /// A mutex that is free takes over those that were notified, and tells none of them.
    AdoptedUntold,
    /// A future that was notified and is dropped keeps that to itself.
    NotifiedKeepsQuiet,
    /// A once is begun in two steps.
    OnceBegunTwice,
    /// A once is done without publishing what was done in it.
    OnceDoneRelaxed,
    /// Whoever sees that a once is done does not see what was done in it.
    OnceSeenRelaxed,
    /// A call of a once ends without a look whether somebody waits.
    OnceEndsSilently,
    /// The last reader leaves without a look whether somebody waits.
    LastReaderSilent,
    /// A reader does not wait behind a writer that waits.
    ReaderOvertakes,
    /// Whoever puts a thread into a mutex's line tells it to compete before it has let go of the line.
    AdoptedToldInside,
    /// A reader that was told to compete is held back by the writer behind it.
    ToldReaderHeldBack,
    /// Recursive readers are not told together with the writer in front of them.
    WriterToldAlone,
    /// One reader at a time is let in.
    OneReaderServed,
    /// A reader that gives up while it is let in keeps the lock.
    GoneReaderCounted,
    /// Whoever makes a lock weaker lets nobody in.
    DowngradeSilent,
    /// A writer that waits in front of an upgradable reader that upgrades holds it back.
    UpgraderHeldBack,
    /// Whoever upgrades does not see what the readers did that have left.
    UpgradeRelaxed,
    /// A reader that leaves does not say what it has done.
    ReaderLeavesRelaxed,
    /// Whoever hands a lock over does not see what those did that have left before.
    GrantRelaxed,
    /// Permits are given back without publishing what was done with them.
    PermitsRelaxed,
    /// Permits are given back without a look whether somebody waits.
    PermitsSkipWaiters,
    /// Permits for one who has just given up waiting are lost.
    PermitsNotPutBack,
    /// Permits that are enough for several are handed to the first in line alone.
    FirstServedAlone,
    /// A semaphore that is closed tells nobody in line.
    CloseSkipsLine,
    /// Whoever gets in line does not see that the semaphore is closed.
    CloseNotRechecked,
    /// Who notifies does not look whether somebody waits.
    NotifySkipsWaiters,
    /// Who is notified does not see what led to it.
    NotifyRelaxed,
    /// A notification for one who has just given up waiting is lost.
    NotificationNotStored,
    /// A call that tells all tells only those in line.
    GenerationNotCounted,
    /// The last to come to a barrier leaves the count to the next round.
    RoundNotReset,
    /// Who leaves a barrier is counted all the same.
    LeaverStaysCounted,
    /// Who leaves a barrier after the last has come is taken out of the count of the next round.
    LeaverOfLastRoundCounted,
    /// Who waits for a group does not see what its members did.
    MembersLeftRelaxed,
    /// Whoever leaves a group does not say what it did there to the one that frees it.
    GroupReleasedRelaxed,
    /// Whoever frees a group does not see what the others did.
    GroupFreedBlindly,
    /// Who waits for a group does not say so.
    WaitedForUnsaid,
    /// The last member gives the members' reference up before it has closed the line.
    MembersReferenceGivenUpEarly,
    /// The last member tells nobody.
    LastMemberSilent,
    /// Those that were passed in a line are not looked at again after one that was gone.
    PassedNotServedAgain,
    /// A future that was claimed by a thread that finishes does not wait until it is let go.
    FutureLeavesClaimed,
    /// Who wakes a task that a thread polls does not hand on what it did.
    BellRelaxed,
    /// A thread that polls waits without looking again whether it was woken.
    BellUnheard,
    /// A member leaves its scope without handing on what it did.
    MemberLeavesRelaxed,
    /// The owner of a scope waits without saying so.
    OwnerUnannounced,
    /// The owner of a scope, whose wait has ended otherwise, does not wait until it is let go.
    OwnerNotServed,
    /// Who cancels a thread that is held leaves it to whoever holds it, who only looks at it.
    AskTakesLookForCancel,
    /// Who finds a thread held takes it for one that is not parked.
    HoldDoesNotWait,
    /// The last worker that answers a survey does not say so.
    SurveyEndsSilently,
    /// Who asks a worker does not see that it has returned.
    ReturnedWorkerUnseen,
    /// Who asks the workers waits without looking again whether all have answered.
    SurveyNotRechecked,
    /// A token that is cancelled does not hand on what led to it.
    CancelledRelaxed,
    /// Who begins to wait for a token does not see that it is cancelled.
    CancelledTokenWaitedFor,
    /// A child that begins while its parent is cancelled is not.
    ChildOfCancelledLives,
    /// A child that goes stays in its parent's list.
    GoneChildStaysListed,
    /// Whoever finds a token cancelled does not wait for the one that is still on the way down.
    WalkUnlocked,
    /// A member that comes after the others were cancelled goes on.
    MemberAddedUncancelled,
    /// Who asks for a place in a group does not look whether that has ended.
    GroupEndUnseen,
    /// A child of a group that ends tells nobody who waits for its place.
    PlaceKept,
    /// A child of a group that ends tells nobody who waits for its result.
    TakerNotWoken,
}
