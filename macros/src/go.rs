//! `go!`: which expressions are Go's form, and what is evaluated where.
//!
//! Invariants of the expansion:
//!
//! 1. Options, callee or receiver, and arguments are evaluated in the caller, each
//!    once, in the order written, before the spawn. Only the call itself runs in the
//!    new thread.
//! 2. What is not evaluated there ([`stays_in_place`]) cannot tell the difference: a
//!    literal, a constant or static (by its upper-case name: a static cannot be moved
//!    into a binding), and a closure literal, whose evaluation does nothing but capture.
//!    A closure stays only if no later operand could write to what it captures
//!    ([`may_interfere`]). It stays for the sake of inference: bound by `let`, it would
//!    lose the parameter types that the callee expects.
//! 3. Names of ours are hygienic (`mixed_site`); the user's tokens keep their spans, so
//!    that errors point at them, and `Location::caller()` in `spawn` is the `go!`.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprMethodCall, Token};

/// The options, by the name of the method of `sward::Builder` that each one is.
const OPTIONS: [&str; 4] = ["name", "stack_size", "priority", "placement"];

const FORMS: &str = "`go!` needs something to run: a closure, `go!(move || ..)`; \
    a call, `go!(f(x))` or `go!(obj.method(x))`; \
    an expression that gives a closure, `go!(task)` or `go!((make()))`; \
    each also after options, `go!(name = \"w\"; ..)`";

const NOT_A_FUTURE: &str = "sward's green threads are not futures: \
    write a plain closure, `go!(move || ..)`, and call blocking functions in it";

/// Expands the input of `go!`.
pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let Go { options, expression } = Go::parse.parse2(input)?;
    refuse_async(&expression)?;

    let site = our_site(expression.span());
    let mut bindings = Bindings::default();
    let spawn = bindings.bind_builder(options, site);
    let task = match without_groups(expression) {
        Expr::Call(call) => bindings.bind_call(call),
        Expr::MethodCall(call) => bindings.bind_method_call(call),
        // Our parentheses hide the braces from a lint that would have them removed.
        block @ Expr::Block(_) => quote!((#block)),
        closure => without_parentheses(closure).into_token_stream(),
    };
    let lets = bindings.lets;
    let call = quote_spanned!(site=> #spawn(#task));
    Ok(quote!({ #lets #call }))
}

/// What stands between the parentheses of `go!`.
struct Go {
    options: Vec<GoOption>,
    expression: Expr,
}

/// `name = expression`.
struct GoOption {
    name: Ident,
    value: Expr,
}

impl Parse for Go {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let options = parse_options(input)?;
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), FORMS));
        }
        let expression = input.parse()?;
        // rustfmt leaves one behind when it breaks the line.
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error(
                "`go!` takes one expression: a closure, or a call with its arguments, `go!(f(x))`",
            ));
        }
        Ok(Self { options, expression })
    }
}

/// The options and their `;`, if there are any.
fn parse_options(input: ParseStream<'_>) -> syn::Result<Vec<GoOption>> {
    let mut options = Vec::<GoOption>::new();
    while is_option(input) {
        let name = input.parse::<Ident>()?;
        if !OPTIONS.iter().any(|known| name == known) {
            let known = OPTIONS.map(|known| format!("`{known}`")).join(", ");
            let message = format!("`go!` has no option `{name}`; there are: {known}");
            return Err(syn::Error::new(name.span(), message));
        }
        if options.iter().any(|option| option.name == name) {
            let message = format!("option `{name}` is given twice");
            return Err(syn::Error::new(name.span(), message));
        }
        input.parse::<Token![=]>()?;
        options.push(GoOption { name, value: input.parse()? });
        if !input.peek(Token![;]) {
            input.parse::<Token![,]>().map_err(|error| {
                syn::Error::new(error.span(), "expected `,` and another option, or `;`")
            })?;
        }
    }
    if !options.is_empty() {
        input.parse::<Token![;]>().map_err(|error| {
            let message = "the options of `go!` end with `;`: `go!(name = \"w\"; move || ..)`";
            syn::Error::new(error.span(), message)
        })?;
    }
    Ok(options)
}

fn is_option(input: ParseStream<'_>) -> bool {
    input.peek(syn::Ident)
        && input.peek2(Token![=])
        && !input.peek2(Token![==])
        && !input.peek2(Token![=>])
}

fn refuse_async(expression: &Expr) -> syn::Result<()> {
    let span = match expression {
        Expr::Paren(paren) if !matches!(*paren.expr, Expr::Await(_)) => {
            return refuse_async(&paren.expr);
        }
        Expr::Group(group) => return refuse_async(&group.expr),
        Expr::Async(block) => block.async_token.span,
        Expr::Closure(closure) => match &closure.asyncness {
            Some(asyncness) => asyncness.span,
            None => return refuse_async(&closure.body),
        },
        Expr::Await(future) => future.await_token.span,
        _ => return Ok(()),
    };
    Err(syn::Error::new(span, NOT_A_FUTURE))
}

/// What is evaluated in the caller, each part bound to a name.
#[derive(Default)]
struct Bindings {
    lets: TokenStream,
    count: usize,
}

impl Bindings {
    /// Returns what is to be called with the task.
    fn bind_builder(&mut self, options: Vec<GoOption>, site: Span) -> TokenStream {
        if options.is_empty() {
            return quote_spanned!(site=> ::sward::spawn);
        }
        let builder = Ident::new("builder", Span::mixed_site());
        let calls = options.into_iter().map(|GoOption { name, value }| quote!(.#name(#value)));
        self.lets.extend(quote!(let #builder = ::sward::Builder::new()#(#calls)*;));
        quote_spanned!(site=> #builder.spawn)
    }

    fn bind_call(&mut self, call: ExprCall) -> TokenStream {
        let span = our_site(call.span());
        let ExprCall { attrs, func, args, .. } = call;
        let callee = match without_parentheses(*func) {
            path @ Expr::Path(_) => path.into_token_stream(),
            computed => self.bind(&computed).into_token_stream(),
        };
        let arguments = self.bind_arguments(args);
        quote_spanned!(span=> move || #(#attrs)* #callee(#arguments))
    }

    fn bind_method_call(&mut self, call: ExprMethodCall) -> TokenStream {
        let span = our_site(call.span());
        let ExprMethodCall { attrs, receiver, method, turbofish, args, .. } = call;
        let receiver = self.bind_unless_in_place(*receiver, &[]);
        let arguments = self.bind_arguments(args);
        quote_spanned!(span=> move || #(#attrs)* #receiver.#method #turbofish(#arguments))
    }

    fn bind_arguments(&mut self, arguments: Punctuated<Expr, Token![,]>) -> TokenStream {
        let arguments: Vec<Expr> = arguments.into_iter().collect();
        let operands = (0..arguments.len()).map(|index| {
            self.bind_unless_in_place(arguments[index].clone(), &arguments[index + 1..])
        });
        quote!(#(#operands),*)
    }

    fn bind_unless_in_place(&mut self, operand: Expr, later: &[Expr]) -> TokenStream {
        if stays_in_place(&operand, later) {
            operand.into_token_stream()
        } else {
            self.bind(&without_parentheses(operand)).into_token_stream()
        }
    }

    /// Evaluates `operand` in the caller and returns the name that it has from there on.
    fn bind(&mut self, operand: &Expr) -> Ident {
        let span = our_site(operand.span());
        let name = format_ident!("operand_{}", self.count, span = span);
        self.count += 1;
        // `mut` so that a `&mut self` method and an `FnMut` work on an owned one.
        self.lets.extend(quote_spanned!(span=> #[allow(unused_mut)] let mut #name = #operand;));
        name
    }
}

/// Where the user's expression is, for errors; whose hygiene is ours.
fn our_site(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}

/// Whether an operand may be left in the call, to be evaluated in the new thread.
fn stays_in_place(operand: &Expr, later: &[Expr]) -> bool {
    match operand {
        Expr::Group(group) => stays_in_place(&group.expr, later),
        Expr::Lit(_) => true,
        Expr::Path(path) => {
            path.path.segments.last().is_some_and(|last| is_upper_case(&last.ident))
        }
        Expr::Closure(closure) => {
            // A parameter hides the variable of its name.
            let captured = &variables(&closure.body) - &variables(&closure.inputs);
            !later.iter().any(|operand| may_interfere(operand, &captured))
        }
        _ => false,
    }
}

/// The name of a constant, a static or a constant parameter.
fn is_upper_case(name: &Ident) -> bool {
    let name = name.to_string();
    name.contains(|c: char| c.is_uppercase()) && !name.contains(|c: char| c.is_lowercase())
}

/// Whether evaluating `operand` may change the value of a variable among `captured`.
///
/// It cannot without mentioning it, and a path, a literal or another closure only
/// reads. Where the answer is `true` for no good reason, only inference suffers.
fn may_interfere(operand: &Expr, captured: &HashSet<String>) -> bool {
    match operand {
        Expr::Group(group) => may_interfere(&group.expr, captured),
        Expr::Lit(_) | Expr::Path(_) | Expr::Closure(_) => false,
        _ => !variables(operand).is_disjoint(captured),
    }
}

/// Every word in `tokens` that may name a variable: no method, no field, no segment of a
/// path and no type (by its upper-case initial). Words of string literals count, for
/// `format!` captures them.
fn variables(tokens: impl ToTokens) -> HashSet<String> {
    let mut words = HashSet::new();
    collect_variables(tokens.into_token_stream(), &mut words);
    words
}

fn collect_variables(tokens: TokenStream, words: &mut HashSet<String>) {
    let may_be_one = |word: &str| {
        !word.starts_with(char::is_uppercase)
            && (word == "self" || syn::parse_str::<Ident>(word).is_ok())
    };
    // The punctuation just before: `.` (but not `..`) and `::` lead to other names.
    let mut before = String::new();
    for token in tokens {
        let text = match token {
            TokenTree::Punct(punct) => {
                before.push(punct.as_char());
                continue;
            }
            TokenTree::Ident(_) if before.ends_with("::") => String::new(),
            TokenTree::Ident(_) if before.ends_with('.') && !before.ends_with("..") => {
                String::new()
            }
            TokenTree::Ident(ident) => ident.to_string(),
            TokenTree::Literal(literal) => literal.to_string(),
            TokenTree::Group(group) => {
                collect_variables(group.stream(), words);
                String::new()
            }
        };
        before.clear();
        let split = text.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.extend(split.filter(|word| may_be_one(word)).map(str::to_owned));
    }
}

/// Takes off the invisible groups that a `macro_rules` fragment is wrapped in.
fn without_groups(expression: Expr) -> Expr {
    match expression {
        Expr::Group(group) => without_groups(*group.expr),
        other => other,
    }
}

/// Takes off parentheses that have done their work, so that nothing calls them unused.
fn without_parentheses(expression: Expr) -> Expr {
    match without_groups(expression) {
        Expr::Paren(paren) => without_parentheses(*paren.expr),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As text, without the spaces that tell `| |` from `||`.
    fn text(tokens: TokenStream) -> String {
        tokens.to_string().replace(' ', "")
    }

    fn expanded(input: TokenStream) -> String {
        text(expand(input).unwrap())
    }

    fn error(input: TokenStream) -> String {
        expand(input).unwrap_err().to_string()
    }

    #[test]
    fn closures_and_other_expressions_go_to_spawn_as_they_are() {
        for input in [
            quote!(move || work(x)),
            quote!(|| 1),
            quote!(task),
            quote!(if first { a } else { b }),
            quote!(make!(1)),
            quote!(job.task),
            quote!(&TASK),
            quote!(make()?),
        ] {
            assert_eq!(expanded(input.clone()), text(quote!({ ::sward::spawn(#input) })));
        }
        assert_eq!(expanded(quote!({ task })), text(quote!({ ::sward::spawn(({ task })) })));
    }

    #[test]
    fn parentheses_switch_off_the_call_form() {
        assert_eq!(expanded(quote!((make(x)))), text(quote!({ ::sward::spawn(make(x)) })));
    }

    #[test]
    fn operands_are_bound_in_order_before_the_spawn() {
        assert_eq!(
            expanded(quote!((make())(x, 1, MAX, y.z))),
            text(quote!({
                #[allow(unused_mut)]
                let mut operand_0 = make();
                #[allow(unused_mut)]
                let mut operand_1 = x;
                #[allow(unused_mut)]
                let mut operand_2 = y.z;
                ::sward::spawn(move || operand_0(operand_1, 1, MAX, operand_2))
            }))
        );
        assert_eq!(
            expanded(quote!(name = n(), stack_size = s(),; obj.method::<T>(x))),
            text(quote!({
                let builder = ::sward::Builder::new().name(n()).stack_size(s());
                #[allow(unused_mut)]
                let mut operand_0 = obj;
                #[allow(unused_mut)]
                let mut operand_1 = x;
                builder.spawn(move || operand_0.method::<T>(operand_1))
            }))
        );
    }

    #[test]
    fn a_closure_argument_stays_unless_a_later_operand_may_write_what_it_reads() {
        let stays = |input: TokenStream| !expanded(input).contains("=|");
        assert!(stays(quote!(run(|x| x + 1, make()))));
        assert!(stays(quote!(run(|x| x + n, n))));
        assert!(stays(quote!(run(|x| x.clone(), y.clone()))));
        assert!(stays(quote!(run(|x| if x { "one 1" } else { "1" }, if y { 1 } else { 2 }))));
        assert!(stays(quote!(run(|x| x.n + String::len(x), z.n + String::len(z)))));
        assert!(stays(quote!(run(bump(&mut n), |x| x + n))));
        assert!(stays(quote!(run(|text| text.len(), text.to_owned()))));

        assert!(!stays(quote!(run(|x| x + n, {
            n += 1;
            n
        }))));
        assert!(!stays(quote!(run(|x| x + n, bump(&mut n)))));
        assert!(!stays(quote!(run(|x| (0..n).contains(x), bump(&mut n)))));
        assert!(!stays(quote!(run(|| println!("{n:?}"), bump!(n)))));
        assert!(!stays(quote!(run(|| self.n, self.bump()))));
    }

    #[test]
    fn nothing_to_run_shows_the_forms() {
        assert_eq!(error(quote!()), FORMS);
        assert_eq!(error(quote!(name = "w";)), FORMS);
    }

    #[test]
    fn options_are_known_given_once_and_end_with_a_semicolon() {
        assert_eq!(
            error(quote!(size = 1; f())),
            "`go!` has no option `size`; there are: `name`, `stack_size`, `priority`, `placement`"
        );
        assert_eq!(error(quote!(name = a, name = b; f())), "option `name` is given twice");
        let semicolon = "the options of `go!` end with `;`: `go!(name = \"w\"; move || ..)`";
        assert_eq!(error(quote!(name = "w", f())), semicolon);
        assert_eq!(error(quote!(name = "w", move || 1)), semicolon);
        assert_eq!(error(quote!(name = "w")), "expected `,` and another option, or `;`");
        assert_eq!(error(quote!(name = "w" f())), "expected `,` and another option, or `;`");
    }

    #[test]
    fn a_comparison_is_no_option() {
        assert_eq!(expanded(quote!(a == b)), text(quote!({ ::sward::spawn(a == b) })));
    }

    #[test]
    fn async_code_is_refused() {
        for input in [
            quote!(async { 1 }),
            quote!(async move { 1 }),
            quote!((async { 1 })),
            quote!(async || 1),
            quote!(async move || 1),
            quote!(|| async { 1 }),
            quote!(future.await),
            quote!(name = "w"; make().await),
        ] {
            assert_eq!(error(input), NOT_A_FUTURE);
        }
        // The caller may be async; what it awaits is an operand.
        expanded(quote!(work(future.await)));
        expanded(quote!((future.await)));
    }

    #[test]
    fn one_expression_and_perhaps_a_comma() {
        expanded(quote!(f(x),));
        expanded(quote!(name = "w"; f(x),));
        assert!(error(quote!(f, x)).starts_with("`go!` takes one expression"));
        assert!(error(quote!(f(x); g(x))).starts_with("`go!` takes one expression"));
    }
}
