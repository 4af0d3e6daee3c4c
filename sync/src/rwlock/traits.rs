//! What lock_api makes its guards and methods of.

use std::time::{Duration, Instant};

use lock_api::GuardSend;
use sward_sched::unless_model;

use super::RawRwLock;
use super::state::{HELD, READER, Request, UPGRADABLE, WRITER};

fn after(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

// SAFETY: `Request::grant` lets a writer in alone, and readers where there is none (state.rs, 1);
// all that enter are counted, with Acquire, until they leave, with Release.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLock for RawRwLock<RECURSIVE> {
    const INIT: Self = unless_model!(Self::new());

    type SharedGuard = GuardSend;
    type ExclusiveGuard = GuardSend;

    #[inline]
    fn lock_shared(&self) -> GuardSend {
        self.enter(Request::Read, || None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock_shared(&self) -> Option<GuardSend> {
        self.try_enter(Request::Read, false).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_shared(&self, _: GuardSend) {
        self.leave_shared();
    }

    #[inline]
    fn lock_exclusive(&self) -> GuardSend {
        self.enter(Request::Write, || None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock_exclusive(&self) -> Option<GuardSend> {
        self.enter_at_once(Request::Write).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_exclusive(&self, _: GuardSend) {
        self.leave_exclusive(false);
    }

    #[inline]
    fn is_locked(&self) -> bool {
        self.state() & HELD != 0
    }

    #[inline]
    fn is_locked_exclusive(&self) -> bool {
        self.state() & WRITER != 0
    }
}

// SAFETY: as above; what is handed over is held throughout.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockFair for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn unlock_shared_fair(&self, _: GuardSend) {
        self.leave_shared_fair();
    }

    #[inline]
    unsafe fn unlock_exclusive_fair(&self, _: GuardSend) {
        self.leave_exclusive(true);
    }
}

// SAFETY: as above; the writer becomes a reader in one step.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockDowngrade for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn downgrade(&self, guard: GuardSend) -> GuardSend {
        self.weaken(WRITER, READER);
        guard
    }
}

// SAFETY: as above.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockTimed for RawRwLock<RECURSIVE> {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_shared_for(&self, timeout: Duration) -> Option<GuardSend> {
        self.enter(Request::Read, || after(timeout)).then(GuardSend::new)
    }

    fn try_lock_shared_until(&self, deadline: Instant) -> Option<GuardSend> {
        self.enter(Request::Read, || Some(deadline)).then(GuardSend::new)
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> Option<GuardSend> {
        self.enter(Request::Write, || after(timeout)).then(GuardSend::new)
    }

    fn try_lock_exclusive_until(&self, deadline: Instant) -> Option<GuardSend> {
        self.enter(Request::Write, || Some(deadline)).then(GuardSend::new)
    }
}

// SAFETY: as above; there is one upgradable reader at most, who alone asks to upgrade, and becomes
// the writer, with Acquire, when there is no reader beside it. If it does not it is what it was.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgrade for RawRwLock<RECURSIVE> {
    type UpgradableGuard = GuardSend;

    #[inline]
    fn lock_upgradable(&self) -> GuardSend {
        self.enter(Request::Upgradable, || None);
        GuardSend::new()
    }

    #[inline]
    fn try_lock_upgradable(&self) -> Option<GuardSend> {
        self.enter_at_once(Request::Upgradable).then(GuardSend::new)
    }

    #[inline]
    unsafe fn unlock_upgradable(&self, _: GuardSend) {
        self.leave_upgradable(false);
    }

    #[inline]
    unsafe fn upgrade(&self, guard: GuardSend) -> GuardSend {
        self.enter(Request::Upgrade, || None);
        guard
    }

    #[inline]
    unsafe fn try_upgrade(&self, guard: GuardSend) -> Result<GuardSend, GuardSend> {
        became(self.enter_at_once(Request::Upgrade), guard)
    }
}

// SAFETY: as above.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeFair for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn unlock_upgradable_fair(&self, _: GuardSend) {
        self.leave_upgradable(true);
    }
}

// SAFETY: as above.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeDowngrade for RawRwLock<RECURSIVE> {
    #[inline]
    unsafe fn downgrade_upgradable(&self, guard: GuardSend) -> GuardSend {
        self.weaken(UPGRADABLE, READER);
        guard
    }

    #[inline]
    unsafe fn downgrade_to_upgradable(&self, guard: GuardSend) -> GuardSend {
        self.weaken(WRITER, UPGRADABLE);
        guard
    }
}

// SAFETY: as above.
unsafe impl<const RECURSIVE: bool> lock_api::RawRwLockUpgradeTimed for RawRwLock<RECURSIVE> {
    fn try_lock_upgradable_for(&self, timeout: Duration) -> Option<GuardSend> {
        self.enter(Request::Upgradable, || after(timeout)).then(GuardSend::new)
    }

    fn try_lock_upgradable_until(&self, deadline: Instant) -> Option<GuardSend> {
        self.enter(Request::Upgradable, || Some(deadline)).then(GuardSend::new)
    }

    unsafe fn try_upgrade_for(
        &self,
        guard: GuardSend,
        timeout: Duration,
    ) -> Result<GuardSend, GuardSend> {
        became(self.enter(Request::Upgrade, || after(timeout)), guard)
    }

    unsafe fn try_upgrade_until(
        &self,
        guard: GuardSend,
        deadline: Instant,
    ) -> Result<GuardSend, GuardSend> {
        became(self.enter(Request::Upgrade, || Some(deadline)), guard)
    }
}

fn became(writer: bool, guard: GuardSend) -> Result<GuardSend, GuardSend> {
    if writer { Ok(guard) } else { Err(guard) }
}
