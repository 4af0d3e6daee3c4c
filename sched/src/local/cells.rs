//! What std's key has for cells.

use std::cell::{Cell, RefCell};

use super::LocalKey;

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets this thread's value.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::Cell;
    /// sward::local! { static X: Cell<u32> = Cell::new(1); }
    ///
    /// X.set(2);
    /// assert_eq!(X.get(), 2);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with): the value is made first, if need be.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    /// A copy of this thread's value.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::Cell;
    /// sward::local! { static X: Cell<u32> = Cell::new(1); }
    ///
    /// assert_eq!(X.get(), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes this thread's value, and leaves the default.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::Cell;
    /// sward::local! { static X: Cell<Option<u32>> = Cell::new(Some(1)); }
    ///
    /// assert_eq!((X.take(), X.take()), (Some(1), None));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Sets this thread's value, and returns what it was.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::Cell;
    /// sward::local! { static X: Cell<u32> = Cell::new(1); }
    ///
    /// assert_eq!((X.replace(2), X.get()), (1, 2));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with).
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with what is in this thread's cell.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::RefCell;
    /// sward::local! { static NAMES: RefCell<Vec<&'static str>> = RefCell::new(vec!["a"]); }
    ///
    /// assert_eq!(NAMES.with_borrow(Vec::len), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and when it is borrowed mutably.
    #[track_caller]
    pub fn with_borrow<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&T) -> R,
    {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with what is in this thread's cell, to change it.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::RefCell;
    /// sward::local! { static NAMES: RefCell<Vec<&'static str>> = RefCell::default(); }
    ///
    /// NAMES.with_borrow_mut(|names| names.push("a"));
    /// assert_eq!(NAMES.with_borrow(Vec::len), 1);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and when it is borrowed.
    #[track_caller]
    pub fn with_borrow_mut<F, R>(&'static self, f: F) -> R
    where
        F: FnOnce(&mut T) -> R,
    {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets what is in this thread's cell.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::RefCell;
    /// sward::local! { static NAME: RefCell<String> = RefCell::default(); }
    ///
    /// NAME.set("a".to_owned());
    /// assert_eq!(NAME.take(), "a");
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and when it is borrowed.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        drop(self.replace(value));
    }

    /// Takes what is in this thread's cell, and leaves the default.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::RefCell;
    /// sward::local! { static NAME: RefCell<String> = RefCell::new("a".to_owned()); }
    ///
    /// assert_eq!((NAME.take(), NAME.take()), ("a".to_owned(), String::new()));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and when it is borrowed.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Sets what is in this thread's cell, and returns what it was.
    ///
    /// ```
    /// # use sward_sched as sward;
    /// # use std::cell::RefCell;
    /// sward::local! { static NAME: RefCell<String> = RefCell::new("a".to_owned()); }
    ///
    /// assert_eq!(NAME.replace("b".to_owned()), "a");
    /// ```
    ///
    /// # Panics
    ///
    /// As [`with`](Self::with), and when it is borrowed.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}
