//! `select!` and `select_biased!`: their documentation, and the way to the procedural macro
//! that expands them. It is a wrapper's `$crate` that lets them be used under any name of
//! this crate.

/// Waits until one of several operations is ready, does it, and runs its body.
///
/// ```
/// # use sward_chan as chan;
/// use chan::{bounded, select, unbounded};
///
/// let (commands, inbox) = unbounded();
/// let (full, _receiver) = bounded(0);
/// commands.send("stop").unwrap();
///
/// let outcome = select! {
///     recv(inbox) -> command => command.unwrap(),
///     send(full, 7) -> sent => {
///         sent.unwrap();
///         "sent"
///     }
/// };
/// assert_eq!(outcome, "stop");
/// ```
///
/// Of several that are ready it does one at random, each as likely as the others. An
/// operation that fails because its channel is closed is ready. Like a `match` it is an
/// expression, and bodies may `return`, `break`, `continue` and use `?`.
///
/// # Syntax
///
/// | arm | done when | `result` |
/// |---|---|---|
/// | `recv(receiver) -> result => body` | a value is there, or none will ever come | `Result<T, RecvError>` |
/// | `send(sender, value) -> result => body` | there is room or a receiver, or there will never be | `Result<(), SendError<T>>` |
/// | `join(handle) -> result => body` | the green thread has finished | `Result<T, JoinError>` |
/// | `wait(timer) => body` | the [`Timer`](sward_sched::time::Timer) has elapsed | |
/// | `wait(token) => body` | the [`CancelToken`](sward_sched::CancelToken) is cancelled | |
/// | `default => body` | nothing else is ready | |
/// | `default(timeout) => body` | nothing else has been ready for so long | |
///
/// Arms stand in any order and number, `default` once at most. A body that is a block needs no
/// comma after it. `result` is any pattern that cannot fail to match. Without any arm,
/// `select! {}` waits for ever.
///
/// Receivers and senders are borrowed, by themselves or through whatever dereferences to them,
/// until a body begins; so are tokens; handles and timers too, mutably. So a handle is still there for the next
/// `select!` if another arm was chosen.
///
/// ```
/// # use sward_chan as chan;
/// # use sward_sched as sward;
/// use std::time::Duration;
/// use chan::{bounded, select};
/// use sward::time::Timer;
///
/// let (sender, results) = bounded(0);
/// let mut worker = sward::spawn(move || sender.send(6 * 7).is_ok());
/// let mut limit = Timer::after(Duration::from_secs(60));
/// let mut sum = 0;
/// let sent = loop {
///     select! {
///         recv(results) -> value => sum += value.unwrap_or(0),
///         join(worker) -> result => break result.unwrap(),
///         wait(limit) => panic!("no answer"),
///     }
/// };
/// assert_eq!((sum, sent), (42, true));
/// ```
///
/// Without waiting, and for some time at most:
///
/// ```
/// # use sward_chan as chan;
/// use std::time::Duration;
/// use chan::{bounded, select};
///
/// let (sender, receiver) = bounded(1);
/// select! {
///     recv(receiver) -> _ => unreachable!("nothing has been sent"),
///     default => sender.send(1).unwrap(),
/// }
/// select! {
///     send(sender, 2) -> _ => unreachable!("the channel is full"),
///     default(Duration::from_millis(1)) => assert_eq!(receiver.recv(), Ok(1)),
/// }
/// ```
///
/// # Evaluation
///
/// Receivers, senders, values to send and the timeout are evaluated once, in the order written,
/// before anything is chosen. What is temporary in them, and the values that were not
/// sent, are dropped before the body runs.
///
/// crossbeam-channel evaluates a value after its `send` has been chosen. Here two arms cannot
/// both move the same value, nor can the body of another arm use it: clone it, or call
/// [`try_send`](crate::Sender::try_send) or [`send_timeout`](crate::Sender::send_timeout), which
/// give it back.
///
/// ```
/// # use sward_chan as chan;
/// let (busy, _receiver) = chan::bounded(0);
/// let (idle, queue) = chan::bounded(1);
/// let job = String::from("job");
/// chan::select! {
///     send(busy, job.clone()) -> _ => {}
///     send(idle, job) -> _ => {}
/// }
/// assert_eq!(queue.recv().unwrap(), "job");
/// ```
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread, until an operation is ready. Never with a
/// plain `default`; for the timeout at most with one, and one too long for the clock is for ever.
///
/// # Cancellation
///
/// Unwinds the thread as [`park`](sward_sched::park) does. Then nothing has been sent or
/// received, and no handle has given its result; values to send are dropped.
///
/// # Panics
///
/// When a `join` arm gets a handle whose result has been taken by an earlier one.
///
/// # Errors
///
/// What is no arm does not compile; the error says what would be.
///
/// ```compile_fail
/// # let (sender, receiver) = sward_chan::bounded::<i32>(1);
/// sward_chan::select! {
///     recv(receiver) => {} // Expected `->` and a pattern.
/// }
/// ```
///
/// ```compile_fail
/// # let (sender, receiver) = sward_chan::bounded::<i32>(1);
/// sward_chan::select! {
///     recv(sender) -> value => {} // Expected `&Receiver<_>`.
/// }
/// ```
/// ```compile_fail
/// # let channel = sward_chan::bounded::<i32>(1);
/// sward_chan::select! {
///     wait(channel) => {} // No `__timer_or_cancel_token`.
/// }
/// ```
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => {
        $crate::internal::__select! { [$crate choose] $($arms)* }
    };
}

/// As [`select!`], but of several operations that are ready it does the one written first.
///
/// ```
/// # use sward_chan as chan;
/// use chan::{select_biased, unbounded};
///
/// let (urgent_sender, urgent) = unbounded();
/// let (sender, others) = unbounded();
/// for i in 0..3 {
///     sender.send(i).unwrap();
///     urgent_sender.send(i + 10).unwrap();
/// }
/// let order: Vec<i32> = std::iter::from_fn(|| {
///     select_biased! {
///         recv(urgent) -> value => value.ok(),
///         recv(others) -> value => value.ok(),
///         default => None,
///     }
/// })
/// .collect();
/// assert_eq!(order, [10, 11, 12, 0, 1, 2]);
/// ```
///
/// An arm that is always ready keeps those after it from ever being chosen: put it last.
/// (A channel that is closed is always ready, too.)
///
/// # Syntax
///
/// That of [`select!`], and all else that is said there.
///
/// # Blocking
///
/// As [`select!`].
///
/// # Cancellation
///
/// As [`select!`].
///
/// # Panics
///
/// As [`select!`].
#[macro_export]
macro_rules! select_biased {
    ($($arms:tt)*) => {
        $crate::internal::__select! { [$crate choose_biased] $($arms)* }
    };
}
