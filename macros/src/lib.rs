//! The procedural macros of `sward`: [`go!`], [`macro@main`] and [`macro@test`].
//!
//! Use them through the facade, which re-exports them: what they expand to names
//! `::sward`. (`select!` is `sward-chan`'s: this crate only expands it.)

use proc_macro::TokenStream;

mod attributes;
mod go;
mod select;

/// Starts a green thread, as Go's `go` statement does, and returns its `JoinHandle`.
///
/// ```
/// use sward::go;
///
/// fn add(a: u32, b: u32) -> u32 {
///     a + b
/// }
///
/// sward::run(|| {
///     let words = vec!["a", "b"];
///     let closure = go!(move || words.len());
///     let call = go!(add(20, 22));
///     let method = go!(String::from("sward").to_uppercase());
///     let named = go!(name = "adder", stack_size = 1 << 20; add(1, 2));
///
///     assert_eq!(closure.join().unwrap(), 2);
///     assert_eq!(call.join().unwrap(), 42);
///     assert_eq!(method.join().unwrap(), "SWARD");
///     assert_eq!(named.join().unwrap(), 3);
/// });
/// ```
///
/// # Forms
///
/// | form | what runs in the new green thread |
/// |---|---|
/// | `go!(move \|\| ..)` | the closure |
/// | `go!(f(x, y))`, `go!(path::to::<T>(x))` | the call |
/// | `go!(obj.method::<T>(x))` | the call |
/// | `go!(expression)`: a variable, a block, `if`, `match`, a macro, .. | the closure that the expression gives |
/// | `go!((expression))` | the same, also for a call: `go!((make())(x))` calls what `make()` gave, `go!((make()))` runs it |
///
/// **A call** is Go's form: what it needs is evaluated here and now, once, from left
/// to right (the function unless it is a plain path, or the receiver of a method;
/// then the arguments), is moved into the thread, and only the call itself happens
/// there. `?`, `return` and `break` in an argument act on the caller.
///
/// ```
/// # use sward::go;
/// # sward::run(|| {
/// let mut next = 1;
/// let mut threads = Vec::new();
/// while next < 4 {
///     threads.push(go!(u32::pow(next, { next += 1; next })));
/// }
/// let powers: Vec<u32> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
/// assert_eq!(powers, [1, 8, 81]);
/// # });
/// ```
///
/// **Parentheses switch Go's form off**: in `go!((task(x)))`, `task(x)` is called here
/// and the closure it returns is what runs.
///
/// ```
/// # use sward::go;
/// fn greeting(name: &'static str) -> impl FnOnce() -> String + Send {
///     move || format!("hello, {name}")
/// }
/// # sward::run(|| {
/// assert_eq!(go!((greeting("world"))).join().unwrap(), "hello, world");
/// # });
/// ```
///
/// **A closure written out as an argument** keeps its place in the call, so that the
/// callee still tells the types of its parameters; what it names is moved (or copied)
/// into the thread, with or without `move`. Only when a later argument mentions one of
/// its variables is it bound first like any other argument, to keep the order; then
/// `move` and the types of its parameters may have to be written.
///
/// ```
/// # use sward::go;
/// fn apply(f: impl Fn(&str) -> usize, to: &str) -> usize {
///     f(to)
/// }
/// # sward::run(|| {
/// let more = 2;
/// assert_eq!(go!(apply(|text| text.len() + more, "four")).join().unwrap(), 6);
/// # });
/// ```
///
/// A method's receiver is moved, or copied when it is a reference: `go!(self.job.run())`
/// cannot move `job` out of a borrowed `self`; clone it, or write a closure.
///
/// # Options
///
/// Before a `;`, in any order, each at most once, evaluated before everything else:
/// `name = ..`, `stack_size = ..` (in bytes), `priority = ..` and `placement = ..`, as in
/// `sward::Builder`.
///
/// # Errors
///
/// Green threads are not futures; `async` blocks and closures do not compile:
///
/// ```compile_fail
/// sward::go!(async { 1 });
/// ```
///
/// Nor does a thread that borrows from its caller:
///
/// ```compile_fail
/// fn borrow(text: &str) {
///     sward::go!(str::len(text));
/// }
/// ```
#[proc_macro]
pub fn go(input: TokenStream) -> TokenStream {
    go::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Runs the function's body on the runtime: `fn main() { sward::run(|| { .. }) }`.
///
/// ```
/// #[sward::main]
/// fn main() -> Result<(), std::num::ParseIntError> {
///     let answer = sward::go!(str::parse::<u32>("42")).join().unwrap()?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// The body is itself a green thread. What it returns is what the function returns,
/// and must be `Send` (so an error of any kind is a `Box<dyn Error + Send + Sync>`). Green threads still
/// running then are not waited for.
///
/// `#[sward::main(workers = 2)]` runs it on a runtime of its own with so many workers
/// instead, which is shut down when the body has returned:
///
/// ```
/// #[sward::main(workers = 2)]
/// fn main() {
///     sward::go!(move || ()).join().unwrap();
/// }
/// ```
///
/// `unsafe(migrate)` lets threads that have started go on on other workers, with or without
/// `workers`: a runtime of its own as well, made with
/// `sward::runtime::Builder::allow_migration`, whose `# Safety` contract the whole program then
/// has to keep.
///
/// ```
/// #[sward::main(unsafe(migrate), workers = 2)]
/// fn main() {
///     sward::go!(move || ()).join().unwrap();
/// }
/// ```
///
/// # Errors
///
/// Nothing in sward is `async`:
///
/// ```compile_fail
/// #[sward::main]
/// async fn main() {}
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attributes::main(arguments.into(), item.into()).into()
}

/// Makes a test of the function, its body run on the runtime: `#[test]` and
/// [`#[sward::main]`](macro@main) in one.
///
/// `#[should_panic]`, `#[ignore]` and a `Result` as the return type work as they do
/// beside `#[test]`; `workers = ..` and `unsafe(migrate)` as in [`#[sward::main]`](macro@main).
///
/// ```
/// #[sward::test(workers = 2)]
/// fn adds() {
///     let sum = sward::go!(move || 1 + 1).join().unwrap();
///     assert_eq!(sum, 2);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    attributes::test(arguments.into(), item.into()).into()
}

/// What `sward_chan::select!` and `select_biased!` pass their arms to.
#[doc(hidden)]
#[proc_macro]
pub fn __select(input: TokenStream) -> TokenStream {
    select::expand(input.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
