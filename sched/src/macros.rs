//! [`join!`](crate::join!), [`try_join!`](crate::try_join!) and [`race!`](crate::race!): several
//! expressions at a time.
//!
//! Each becomes a closure in the place where it stands; so names of ours are hygienic, and `?` and
//! `return` end that expression alone. The variables that hold what comes of them have one name
//! and differ in hygiene: each is made by a step of its own (`__join`, `__try_join`).

/// Evaluates several expressions at once, each in a green thread of a [`scope`](crate::scope()), and
/// returns all their values, in a tuple.
///
/// ```
/// # use sward_sched as sward;
/// let words = vec!["some", "more", "words"];
/// let (bytes, longest) = sward::join!(
///     words.iter().map(|word| word.len()).sum::<usize>(),
///     words.iter().max_by_key(|word| word.len()),
/// );
/// assert_eq!((bytes, longest), (13, Some(&"words")));
/// ```
///
/// They may borrow from the caller, and what they use by value is moved. `?` and `return` in one of
/// them end that one.
///
/// ```compile_fail
/// # use sward_sched as sward;
/// let mut n = 1;
/// sward::join!(n += 1, n += 2); // Two threads may not change the same.
/// ```
///
/// ```compile_fail
/// # use sward_sched as sward;
/// let _nothing = sward::join!();
/// ```
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread, until all have ended.
///
/// # Cancellation
///
/// All of them are cancelled; the caller unwinds as soon as the last has ended.
///
/// # Panics
///
/// With the panic of the first written of those that panic, when all have ended; or with the reason
/// why one could not start, or was shut down.
#[macro_export]
macro_rules! join {
    () => {
        ::core::compile_error!("`join!` needs at least one expression: `join!(f(x), g(y))`")
    };
    ($($expression:expr),+ $(,)?) => {
        $crate::__join! { [] $($expression,)+ }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __join {
    ([$({ $thread:ident $expression:expr })+]) => {
        $crate::scope(|scope| {
            $(let $thread = scope.spawn(|| $expression);)+
            ($($crate::internal::value_of($thread),)+)
        })
    };
    ([$($done:tt)*] $expression:expr, $($rest:tt)*) => {
        $crate::__join! { [$($done)* { thread $expression }] $($rest)* }
    };
}

/// Evaluates several expressions at once, each in a green thread, and returns their values in a tuple;
/// or the first error, upon which the others are cancelled.
///
/// ```
/// # use sward_sched as sward;
/// fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// let (text, other) = (String::from("6"), String::from("7"));
/// let (a, b) = sward::try_join!(parsed(&text), parsed(&other))?;
/// assert_eq!(a * b, 42);
///
/// let failed = sward::try_join!(parsed("x"), Ok(sward::park()));
/// assert!(failed.is_err());
/// # Ok::<(), std::num::ParseIntError>(())
/// ```
///
/// They are the children of a [`TaskGroup`](crate::TaskGroup): each a `Result`, all with the same type
/// of errors. They may borrow from the caller, and what they use by value is moved. `?` and `return` in
/// one of them end that one.
///
/// ```compile_fail
/// # use sward_sched as sward;
/// let _nothing: Result<(), ()> = sward::try_join!();
/// ```
///
/// # Blocking
///
/// Parks the green thread, or blocks the OS thread, until all have ended.
///
/// # Cancellation
///
/// All of them are cancelled; the caller unwinds as soon as the last has ended.
///
/// # Errors
///
/// The first error that one of them returns.
///
/// # Panics
///
/// With the first panic of one of them, upon which the others are cancelled, when all have ended; or
/// with the reason why one could not start, or was shut down. In a program built with
/// `panic = "abort"`, in which nothing can be cancelled.
#[macro_export]
macro_rules! try_join {
    () => {
        ::core::compile_error!("`try_join!` needs at least one expression: `try_join!(f(x), g(y))`")
    };
    ($($expression:expr),+ $(,)?) => {
        $crate::__try_join! { [] $($expression,)+ }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __try_join {
    ([$({ $value:ident $expression:expr })+]) => {{
        $(let mut $value = ::core::option::Option::None;)+
        let result = $crate::TaskGroup::new().run(|group| {
            $(group.spawn($crate::internal::value_into(&mut $value, || $expression));)+
        });
        $crate::internal::joined(result).map(|()| {
            ($($value.expect("all have ended, and none has failed"),)+)
        })
    }};
    ([$($done:tt)*] $expression:expr, $($rest:tt)*) => {
        $crate::__try_join! { [$($done)* { value $expression }] $($rest)* }
    };
}

/// Evaluates several expressions at once, each in a green thread, and returns the value of the one that
/// finishes first. The others are cancelled, and have ended when it returns.
///
/// ```
/// # use sward_sched as sward;
/// use std::time::Duration;
///
/// let answer = sward::race!(
///     {
///         sward::time::sleep(Duration::from_secs(60));
///         "too late"
///     },
///     "at once",
/// );
/// assert_eq!(answer, "at once");
/// ```
///
/// As the function [`race`](crate::race()), with expressions of one type instead of closures of one
/// kind. They may borrow from the caller, and what they use by value is moved. `?` and `return` in one
/// of them end that one.
///
/// ```compile_fail
/// # use sward_sched as sward;
/// let _nothing: () = sward::race!();
/// ```
///
/// # Blocking
///
/// As [`race`](crate::race()).
///
/// # Cancellation
///
/// As [`race`](crate::race()).
///
/// # Panics
///
/// As [`race`](crate::race()).
#[macro_export]
macro_rules! race {
    () => {
        ::core::compile_error!("`race!` needs at least one expression: `race!(f(x), g(y))`")
    };
    ($($expression:expr),+ $(,)?) => {
        $crate::internal::race_in(|group| {
            $(group.spawn($crate::internal::unfailing(|| $expression));)+
        })
    };
}
