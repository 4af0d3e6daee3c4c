//! What one has who has acquired: [`SemaphorePermit`] and [`OwnedSemaphorePermit`].

use std::fmt;
use std::mem;
use std::sync::Arc;

use super::Semaphore;

/// Some permits of a [`Semaphore`], which go back when this is dropped.
///
/// ```
/// # use sward_sync as sync;
/// let semaphore = sync::Semaphore::new(3);
/// let permit = semaphore.acquire_many(2).unwrap();
/// assert_eq!(semaphore.available_permits(), 1);
/// drop(permit);
/// assert_eq!(semaphore.available_permits(), 3);
/// ```
#[must_use = "the permits go back at once"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: u32,
}

/// Some permits of a [`Semaphore`] in an `Arc`, which they keep alive.
///
/// ```
/// # use sward_sched as sward;
/// # use sward_sync as sync;
/// use std::sync::Arc;
///
/// let semaphore = Arc::new(sync::Semaphore::new(1));
/// let permit = semaphore.clone().acquire_owned().unwrap();
/// sward::spawn(move || drop(permit)).join().unwrap();
/// assert_eq!(semaphore.available_permits(), 1);
/// ```
#[must_use = "the permits go back at once"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: u32,
}

impl<'a> SemaphorePermit<'a> {
    pub(super) fn new(semaphore: &'a Semaphore, permits: u32) -> Self {
        Self { semaphore, permits }
    }

    /// What they are permits of.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(1);
    /// assert!(std::ptr::eq(semaphore.acquire().unwrap().semaphore(), &semaphore));
    /// ```
    pub fn semaphore(&self) -> &'a Semaphore {
        self.semaphore
    }

    /// Takes this many out; `None` if there are too few.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = sync::Semaphore::new(3);
    /// let mut permit = semaphore.acquire_many(3).unwrap();
    /// drop(permit.split(1));
    /// assert_eq!((permit.num_permits(), semaphore.available_permits()), (2, 1));
    /// assert!(permit.split(3).is_none());
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        split(&mut self.permits, n).map(|permits| Self { semaphore: self.semaphore, permits })
    }
}

impl OwnedSemaphorePermit {
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: u32) -> Self {
        Self { semaphore, permits }
    }

    /// What they are permits of.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(sync::Semaphore::new(1));
    /// let permit = semaphore.clone().acquire_owned().unwrap();
    /// assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    /// ```
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// Takes this many out; `None` if there are too few.
    ///
    /// ```
    /// # use sward_sync as sync;
    /// let semaphore = std::sync::Arc::new(sync::Semaphore::new(3));
    /// let mut permit = semaphore.clone().acquire_many_owned(3).unwrap();
    /// drop(permit.split(1));
    /// assert_eq!((permit.num_permits(), semaphore.available_permits()), (2, 1));
    /// ```
    pub fn split(&mut self, n: usize) -> Option<Self> {
        let permits = split(&mut self.permits, n)?;
        Some(Self { semaphore: self.semaphore.clone(), permits })
    }
}

fn split(permits: &mut u32, n: usize) -> Option<u32> {
    let taken = u32::try_from(n).ok()?;
    *permits = permits.checked_sub(taken)?;
    Some(taken)
}

/// What both kinds do in the same way.
macro_rules! permit {
    ($Permit:ty, $name:literal, $is_same:expr) => {
        impl $Permit {
            /// How many they are.
            ///
            /// ```
            /// # use sward_sync as sync;
            /// let semaphore = sync::Semaphore::new(3);
            /// assert_eq!(semaphore.acquire_many(2).unwrap().num_permits(), 2);
            /// ```
            pub fn num_permits(&self) -> usize {
                self.permits as usize
            }

            /// Takes those of `other`, too.
            ///
            /// ```
            /// # use sward_sync as sync;
            /// let semaphore = sync::Semaphore::new(3);
            /// let mut permit = semaphore.acquire().unwrap();
            /// permit.merge(semaphore.acquire_many(2).unwrap());
            /// assert_eq!(permit.num_permits(), 3);
            /// ```
            ///
            /// # Panics
            ///
            /// When they are permits of another semaphore, or too many for a `u32`.
            #[track_caller]
            pub fn merge(&mut self, mut other: Self) {
                assert!(
                    $is_same(&self.semaphore, &other.semaphore),
                    "merging permits from different semaphore instances"
                );
                let sum = self.permits.checked_add(other.permits);
                self.permits = sum.expect("these are more permits than a `u32` counts");
                other.permits = 0;
            }

            /// They never go back.
            ///
            /// ```
            /// # use sward_sync as sync;
            /// let semaphore = sync::Semaphore::new(3);
            /// semaphore.acquire().unwrap().forget();
            /// assert_eq!(semaphore.available_permits(), 2);
            /// ```
            pub fn forget(mut self) {
                self.permits = 0;
            }
        }

        impl Drop for $Permit {
            fn drop(&mut self) {
                match mem::take(&mut self.permits) as usize {
                    0 => {}
                    permits => self.semaphore.raw.release(permits),
                }
            }
        }

        impl fmt::Debug for $Permit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct($name).field("permits", &self.permits).finish()
            }
        }
    };
}

permit!(SemaphorePermit<'_>, "SemaphorePermit", |a: &&Semaphore, b: &&Semaphore| std::ptr::eq(
    *a, *b
));
permit!(OwnedSemaphorePermit, "OwnedSemaphorePermit", Arc::ptr_eq);
