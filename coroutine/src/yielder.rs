//! [`Yielder`]: what a coroutine suspends itself by.

use std::any::Any;
use std::fmt;
use std::mem::ManuallyDrop;
use std::panic::{RefUnwindSafe, UnwindSafe, resume_unwind};

use crate::core::{Core, Order};
use crate::coroutine::Coroutine;
use crate::error::ResumeError;
use crate::state::State;

/// What the body of a coroutine suspends it by, and whatever function it lends that to.
///
/// ```
/// # use sward_coroutine as coroutine;
/// use coroutine::Yielder;
///
/// enum Tree {
///     Leaf(u32),
///     Node(Box<Tree>, Box<Tree>),
/// }
///
/// fn leaves(tree: &Tree, y: &Yielder<(), u32>) {
///     match tree {
///         Tree::Leaf(value) => y.suspend(*value),
///         Tree::Node(left, right) => {
///             leaves(left, y);
///             leaves(right, y);
///         }
///     }
/// }
///
/// let tree = Tree::Node(Tree::Leaf(1).into(), Tree::Node(Tree::Leaf(2).into(), Tree::Leaf(3).into()).into());
/// let all: Vec<_> = coroutine::generator(move |y| leaves(&tree, y)).collect();
/// assert_eq!(all, [1, 2, 3]);
/// ```
///
/// `Return` is what the coroutine returns in the end: only [`transfer`](Self::transfer) needs to know.
pub struct Yielder<Input, Yield, Return = ()> {
    /// It is there as long as the body runs, which alone has this.
    core: *const Core<Input, Yield, Return>,
}

impl<Input, Yield, Return> Yielder<Input, Yield, Return> {
    pub(crate) fn new(core: *const Core<Input, Yield, Return>) -> Self {
        Self { core }
    }

    #[inline]
    fn core(&self) -> &Core<Input, Yield, Return> {
        // SAFETY: it is there.
        unsafe { &*self.core }
    }

    /// Suspends the coroutine, and has [`resume`](Coroutine::resume) return `value`. Returns what it is
    /// resumed with.
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// let doubles = Coroutine::new(|y, first: u32| {
    ///     let second = y.suspend(first * 2);
    ///     y.suspend(second * 2);
    /// });
    /// assert_eq!(doubles.resume(1).unwrap().yielded(), Some(2));
    /// assert_eq!(doubles.resume(5).unwrap().yielded(), Some(10));
    /// ```
    ///
    /// It may never be resumed, but [closed](Coroutine::close): then this unwinds. If it is
    /// forgotten, this neither returns nor unwinds.
    ///
    /// In a destructor, while the coroutine unwinds, it suspends as everywhere: whoever has resumed it
    /// does not panic (see [`std::thread::panicking`]), and when it is resumed it unwinds further. Until then it
    /// can be neither closed nor thrown at.
    ///
    /// # Blocking
    ///
    /// Never blocks: it goes on where the coroutine was resumed.
    ///
    /// # Panics
    ///
    /// With what is [thrown](Coroutine::throw). When the coroutine is inside a sward
    /// [`scope`](sward_sched::scope()), [`timeout`](sward_sched::time::timeout),
    /// [`uncancellable`](sward_sched::uncancellable), [`TaskGroup`](sward_sched::TaskGroup),
    /// [`block_in_place`](sward_sched::block_in_place) or
    /// [`with`](sward_sched::LocalKey::with) of a local that it has entered itself. When this code runs in
    /// another coroutine, which that of this yielder has resumed.
    #[inline(always)]
    #[track_caller]
    pub fn suspend(&self, value: Yield) -> Input {
        self.obey(self.core().suspend(value))
    }

    /// As [`suspend`](Self::suspend), but returns what is [thrown](Coroutine::throw) as an error, instead
    /// of raising it: Python's `except` around a `yield`. (A [close](Coroutine::close) unwinds as ever.)
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// let careful = Coroutine::new(|y, ()| match y.try_suspend("waits") {
    ///     Ok(()) => "as usual".to_owned(),
    ///     Err(thrown) => format!("told: {}", thrown.downcast_ref::<&str>().unwrap()),
    /// });
    /// careful.resume(()).unwrap();
    /// let end = careful.throw(Box::new("no luck")).unwrap();
    /// assert_eq!(end.complete().unwrap(), "told: no luck");
    /// ```
    ///
    /// # Errors
    ///
    /// What was thrown.
    ///
    /// # Panics
    ///
    /// As [`suspend`](Self::suspend), but for what is thrown.
    #[inline(always)]
    #[track_caller]
    pub fn try_suspend(&self, value: Yield) -> Result<Input, Box<dyn Any + Send>> {
        match self.core().suspend(value) {
            Order::Throw(payload) => Err(payload),
            order => Ok(self.obey(order)),
        }
    }

    /// Whether the coroutine was [closed](Coroutine::close), and is to end. A body that catches panics asks
    /// this, and lets those pass by which it is closed.
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// use std::panic::{catch_unwind, resume_unwind};
    ///
    /// let tries = Coroutine::new(|y, ()| loop {
    ///     if let Err(panic) = catch_unwind(|| y.suspend(())) {
    ///         if y.is_closing() {
    ///             resume_unwind(panic);
    ///         }
    ///         println!("never mind: {panic:?}");
    ///     }
    /// });
    /// tries.resume(()).unwrap();
    /// tries.throw(Box::new("no luck")).unwrap();
    /// tries.close().unwrap();
    /// ```
    pub fn is_closing(&self) -> bool {
        self.core().is_closing()
    }

    /// The value, if that is what it was resumed for.
    #[inline(always)]
    fn obey(&self, order: Order<Input>) -> Input {
        match order {
            Order::Input(input) => input,
            Order::Throw(payload) => resume_unwind(payload),
            Order::Close => resume_unwind(self.core().closing()),
        }
    }

    /// Has `to` do a part of it, beginning with `first`: what that yields this coroutine yields, what
    /// this coroutine is resumed with goes there, and so does what is thrown, and a
    /// [close](Coroutine::close). Returns what `to` returns: Python's `yield from`.
    ///
    /// ```
    /// # use sward_coroutine::Coroutine;
    /// let whole = Coroutine::new(|y, first: u32| {
    ///     let part = Coroutine::new(|y, first: u32| first + y.suspend("part"));
    ///     let sum = y.delegate(&part, first).unwrap();
    ///     y.suspend("whole");
    ///     sum
    /// });
    /// assert_eq!(whole.resume(1).unwrap().yielded(), Some("part"));
    /// assert_eq!(whole.resume(2).unwrap().yielded(), Some("whole"));
    /// assert_eq!(whole.resume(0).unwrap().complete(), Some(3));
    /// ```
    ///
    /// Each value passes through this coroutine, so one that comes from ten coroutines below takes ten
    /// times as long. A function that is lent the yielder needs none of this.
    ///
    /// # Blocking
    ///
    /// As `to`.
    ///
    /// # Cancellation
    ///
    /// As [`Coroutine::resume`].
    ///
    /// # Errors
    ///
    /// As [`Coroutine::resume`] of `to`, the first time or, if others resume it meanwhile, later.
    ///
    /// # Panics
    ///
    /// As [`suspend`](Self::suspend), and with the panic of `to`.
    #[track_caller]
    pub fn delegate<T>(
        &self,
        to: &Coroutine<Input, Yield, T>,
        first: Input,
    ) -> Result<T, ResumeError<Input>> {
        // Before `to` has a value for which there is no way out.
        self.core().check_leave();
        let mut state = to.resume(first)?;
        loop {
            let value = match state {
                State::Yielded(value) => value,
                State::Complete(value) => return Ok(value),
            };
            state = match self.core().suspend(value) {
                Order::Input(input) => to.resume(input)?,
                Order::Throw(payload) => match to.throw(payload) {
                    Ok(state) => state,
                    Err(error) => resume_unwind(error.into_inner()),
                },
                Order::Close => match to.close().map_err(|error| error.into_yielded()) {
                    // Whoever closes this one is told of that, too.
                    Err(Some(value)) => State::Yielded(value),
                    Ok(()) | Err(None) => resume_unwind(self.core().closing()),
                },
            };
        }
    }

    /// Suspends this coroutine and runs `to` in its place, with `input`. Returns what this one is resumed
    /// with, or transferred to with, by anybody.
    ///
    /// ```
    /// # use sward_coroutine as coroutine;
    /// use std::cell::OnceCell;
    /// use std::rc::Rc;
    /// use coroutine::{Coroutine, State};
    ///
    /// type Player = Coroutine<u32, (), &'static str>;
    /// let pong: Rc<OnceCell<Player>> = Rc::default();
    /// let ping: Rc<OnceCell<Player>> = Rc::default();
    /// let player = |other: Rc<OnceCell<Player>>, name| {
    ///     Coroutine::new(move |y, mut ball| {
    ///         while ball > 0 {
    ///             ball = y.transfer(other.get().unwrap(), ball - 1).unwrap();
    ///         }
    ///         name
    ///     })
    /// };
    /// ping.set(player(pong.clone(), "ping")).unwrap();
    /// pong.set(player(ping.clone(), "pong")).unwrap();
    /// assert_eq!(ping.get().unwrap().resume(3).unwrap(), State::Complete("pong"));
    /// # pong.get().unwrap().close().unwrap();
    /// # ping.get().unwrap().close().unwrap();
    /// ```
    ///
    /// From then on `to` counts as resumed by whoever has resumed this one: there goes what it
    /// [suspends](Self::suspend) with, returns, or panics with. So both are of the same `Yield` and
    /// `Return`. Coroutines that only ever transfer are symmetric ones.
    ///
    /// # Blocking
    ///
    /// Never blocks.
    ///
    /// # Errors
    ///
    /// [`ResumeError`], with the input: `to` has finished, or runs, as this coroutine itself does and those
    /// that have resumed it. Nothing has happened then.
    ///
    /// # Panics
    ///
    /// As [`suspend`](Self::suspend).
    ///
    /// # Source
    ///
    /// De Moura and Ierusalimschy, "Revisiting Coroutines", 2009: the one who has resumed the first enters
    /// each in turn. So it takes two switches, and no stack grows.
    #[inline(always)]
    #[track_caller]
    pub fn transfer<I>(
        &self,
        to: &Coroutine<I, Yield, Return>,
        input: I,
    ) -> Result<Input, ResumeError<I>> {
        match to.core(Core::check) {
            Ok(to) => {
                // Before the input is given up.
                self.core().check_leave();
                let mut input = ManuallyDrop::new(input);
                let hop = Core::hop_to(to, &mut input);
                Ok(self.obey(self.core().transfer(hop)))
            }
            Err(why) => Err(ResumeError { why, value: input }),
        }
    }
}

// As the coroutine itself.
impl<Input, Yield, Return> UnwindSafe for Yielder<Input, Yield, Return> {}
impl<Input, Yield, Return> RefUnwindSafe for Yielder<Input, Yield, Return> {}

impl<Input, Yield, Return> fmt::Debug for Yielder<Input, Yield, Return> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").field("coroutine", &self.core().top().id()).finish()
    }
}
