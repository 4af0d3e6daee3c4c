//! [`CancelGuard`]: cancels a token at the end of its own.

use super::CancelToken;

/// Cancels a [`CancelToken`] when it is dropped: [`CancelToken::drop_guard`].
///
/// ```
/// # use sward_sched as sward;
/// let token = sward::CancelToken::new();
/// let waiting = sward::spawn({
///     let token = token.clone();
///     move || token.wait()
/// });
/// let failed = std::panic::catch_unwind(|| {
///     let _guard = token.clone().drop_guard();
///     panic!("no luck");
/// });
/// assert!(failed.is_err());
/// waiting.join().unwrap();
/// ```
#[derive(Debug)]
#[must_use = "it cancels the token when it is dropped, which is at once"]
pub struct CancelGuard {
    /// Until it is disarmed.
    token: Option<CancelToken>,
}

impl CancelGuard {
    pub(super) fn new(token: CancelToken) -> Self {
        Self { token: Some(token) }
    }

    /// Gives the token back, which is not cancelled.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// let guard = sward::CancelToken::new().drop_guard();
    /// assert!(!guard.disarm().is_cancelled());
    /// ```
    pub fn disarm(mut self) -> CancelToken {
        self.token.take().expect("it is disarmed once")
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            token.cancel();
        }
    }
}
