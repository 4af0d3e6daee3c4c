//! `select!`: what its arms become.
//!
//! ```text
//! {
//!     let chosen = match (
//!         match (r) { ref channel => recv_case(channel) },
//!         match (s) { ref channel => send_case(channel, (v)) },
//!         Wait::For((t)),
//!     ) {
//!         (mut case_0, mut case_1, wait) => match choose(&mut [&mut case_0, &mut case_1], wait) {
//!             Some(0usize) => Left(Left(case_0.finish())),
//!             Some(1usize) => Left(Right(case_1.finish())),
//!             _ => Right(()),
//!         },
//!     };
//!     match chosen {
//!         Left(Left(value)) => { let pattern_0 = value; (body_0) }
//!         Left(Right(value)) => { let pattern_1 = value; (body_1) }
//!         Right(()) => { (body_of_default) }
//!     }
//! }
//! ```
//!
//! 1. All operands are evaluated in one tuple: once, in the order written. Their temporaries,
//!    the cases that borrow the channels, and the values that were not sent, end with the first
//!    `match`, before a body begins. What a body gets is the result alone.
//! 2. What was chosen is named by its place in a balanced tree of `Either`s. An enum with a
//!    variant for each arm would be an item, which bodies could see and be hidden by; a list
//!    of `Either`s as deep as there are arms meets the recursion limit.
//! 3. Channels go to functions, so that they are coerced as any argument is (`&&Receiver`,
//!    `&Arc<Receiver>`, a type still to be inferred) and an error says which type it expected;
//!    by way of a `match`, because of `&(r)` each branch of an `if` would be expected to be a
//!    `Receiver`, not a reference to one. Join handles, timers and tokens go to methods, so that
//!    a variable that is a `&mut JoinHandle` is borrowed through and need not itself be `mut`; and
//!    so that a token, unlike the others, is not borrowed mutably.
//! 4. The last arm is taken without a look at the number: without `default` one has been chosen,
//!    and of `default` there is none. So nothing is unreachable.
//! 5. Our parentheses keep lints from the users' own parentheses and braces.
//! 6. Names of ours are hygienic (`mixed_site`); the user's tokens keep their spans, so that
//!    errors point at them.

mod parse;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::Expr;
use syn::parse::{Parse, Parser};
use syn::spanned::Spanned;

use self::parse::{Arm, Body, Operation, Select};

/// Expands the input of the wrappers of `select!` and `select_biased!`.
pub(crate) fn expand(input: TokenStream) -> syn::Result<TokenStream> {
    let Select { chan, choose, arms } = Select::parse.parse2(input)?;
    let site = Span::mixed_site();
    let internal = quote_spanned!(site=> #chan::internal);
    if arms.is_empty() {
        return Ok(quote_spanned! {site=> {
            #internal::#choose(&mut [], #internal::Wait::Forever);
            ::core::unreachable!()
        }});
    }

    let traits = traits(&internal, &arms);
    let mut waiting = Waiting::new(&internal);
    let mut outcomes: Vec<Outcome> = arms.into_iter().map(|arm| waiting.add(arm)).collect();
    // `default` may stand anywhere, but has no number.
    outcomes.sort_by_key(|outcome| outcome.case.is_none());

    let Waiting { operands, bindings, cases, wait, .. } = waiting;
    let either = quote_spanned!(site=> #internal::Either);
    let count = outcomes.len();
    let chosen = outcomes.iter().enumerate().map(|(index, outcome)| {
        let number = match index + 1 == count {
            true => quote_spanned!(site=> _),
            false => quote_spanned!(site=> ::core::option::Option::Some(#index)),
        };
        let result = match &outcome.case {
            Some(case) => quote_spanned!(site=> #case.finish()),
            None => quote_spanned!(site=> ()),
        };
        let leaf = leaf(&either, index, count, result);
        quote_spanned!(site=> #number => #leaf,)
    });
    let bodies = outcomes.iter().enumerate().map(|(index, outcome)| {
        let leaf = leaf(&either, index, count, outcome.result());
        let body = outcome.body();
        quote_spanned!(site=> #leaf => #body)
    });
    Ok(quote_spanned! {site=> {
        #traits
        let chosen = match (#(#operands,)*) {
            (#(#bindings,)*) => match #internal::#choose(&mut [#(&mut #cases),*], #wait) {
                #(#chosen)*
            },
        };
        match chosen {
            #(#bodies)*
        }
    }})
}

/// Brings the methods in scope that the arms call.
fn traits(internal: &TokenStream, arms: &[Arm]) -> TokenStream {
    let site = Span::mixed_site();
    let joins = arms.iter().any(|arm| matches!(arm.operation, Operation::Join(_)));
    let waits = arms.iter().any(|arm| matches!(arm.operation, Operation::Wait(_)));
    let mut uses = TokenStream::new();
    if joins {
        uses.extend(quote_spanned!(site=> use #internal::JoinArm as _;));
    }
    if waits {
        // One of them, or both.
        uses.extend(quote_spanned! {site=>
            #[allow(unused_imports)]
            use #internal::{TokenArm as _, WaitArm as _};
        });
    }
    uses
}

/// What is evaluated before anything is chosen, in the order written.
struct Waiting<'a> {
    internal: &'a TokenStream,
    operands: Vec<TokenStream>,
    /// What the operands are bound to.
    bindings: Vec<TokenStream>,
    /// Those of them that can be chosen.
    cases: Vec<Ident>,
    /// How long to wait for one.
    wait: TokenStream,
}

/// How a `select!` can end.
struct Outcome {
    /// `None`: `default`.
    case: Option<Ident>,
    pattern: TokenStream,
    body: Body,
}

impl<'a> Waiting<'a> {
    fn new(internal: &'a TokenStream) -> Self {
        let wait = quote_spanned!(Span::mixed_site()=> #internal::Wait::Forever);
        Self { internal, operands: Vec::new(), bindings: Vec::new(), cases: Vec::new(), wait }
    }

    fn add(&mut self, Arm { operation, pattern, body }: Arm) -> Outcome {
        let (site, internal) = (Span::mixed_site(), self.internal);
        let operand = match operation {
            Operation::Default(timeout) => {
                self.set_wait(timeout);
                return Outcome { case: None, pattern, body };
            }
            Operation::Recv(receiver) => {
                let at_receiver = receiver.span().resolved_at(site);
                let call = quote_spanned!(at_receiver=> #internal::recv_case(channel));
                quote_spanned!(site=> match (#receiver) { ref channel => #call })
            }
            Operation::Send(sender, value) => {
                let at_sender = sender.span().resolved_at(site);
                let value = parenthesized(&value);
                let call = quote_spanned!(at_sender=> #internal::send_case(channel, #value));
                quote_spanned!(site=> match (#sender) { ref channel => #call })
            }
            Operation::Join(handle) => {
                let at_handle = handle.span().resolved_at(site);
                quote_spanned!(at_handle=> (#handle).__join_case())
            }
            Operation::Wait(timer) => {
                let at_timer = timer.span().resolved_at(site);
                quote_spanned!(at_timer=> (#timer).__timer_or_cancel_token())
            }
        };
        let case = format_ident!("case_{}", self.cases.len(), span = Span::mixed_site());
        self.operands.push(operand);
        self.bindings.push(quote_spanned!(Span::mixed_site()=> mut #case));
        self.cases.push(case.clone());
        Outcome { case: Some(case), pattern, body }
    }

    fn set_wait(&mut self, timeout: Option<Expr>) {
        let (site, internal) = (Span::mixed_site(), self.internal);
        self.wait = match timeout {
            None => quote_spanned!(site=> #internal::Wait::Never),
            Some(timeout) => {
                let at_timeout = timeout.span().resolved_at(site);
                let timeout = parenthesized(&timeout);
                self.operands.push(quote_spanned!(at_timeout=> #internal::Wait::For(#timeout)));
                self.bindings.push(quote_spanned!(site=> wait));
                quote_spanned!(site=> wait)
            }
        };
    }
}

impl Outcome {
    /// The pattern of ours that takes what came of it.
    fn result(&self) -> TokenStream {
        match self.pattern.is_empty() {
            true => quote_spanned!(Span::mixed_site()=> ()),
            false => quote_spanned!(Span::mixed_site()=> value),
        }
    }

    fn body(&self) -> TokenStream {
        let site = Span::mixed_site();
        let body = whole(&self.body);
        let pattern = match has_alternatives(&self.pattern) {
            true => parenthesized(&self.pattern),
            false => self.pattern.clone(),
        };
        match pattern.is_empty() {
            true => quote_spanned!(site=> { #body }),
            false => quote_spanned!(site=> { let #pattern = value; #body }),
        }
    }
}

/// In parentheses: so that `if a { b } else { c } + d` at the end of a block is not two
/// statements, and the braces of a short block are hidden from a lint that would have them removed.
fn whole(body: &Body) -> TokenStream {
    let (tokens, inside) = match body {
        Body::Expression(expression) => (expression.to_token_stream(), None),
        Body::Block(block) => (block.to_token_stream(), Some(block.stream())),
    };
    // There attributes would not be allowed, be they before an expression or in a block.
    match inside.unwrap_or_else(|| tokens.clone()).into_iter().next() {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '#' => tokens,
        _ => parenthesized(&tokens),
    }
}

fn parenthesized(tokens: &impl ToTokens) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> (#tokens))
}

/// Whether `let` would take the pattern only in parentheses.
fn has_alternatives(pattern: &TokenStream) -> bool {
    pattern.clone().into_iter().any(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == '|',
        // Invisible, around a fragment of a `macro_rules`.
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            has_alternatives(&group.stream())
        }
        _ => false,
    })
}

/// The leaf `index` of a balanced tree with `count` leaves, as an expression or a pattern.
fn leaf(either: &TokenStream, index: usize, count: usize, inner: TokenStream) -> TokenStream {
    if count == 1 {
        return inner;
    }
    let left = count.div_ceil(2);
    let (side, rest) = match index < left {
        true => ("Left", leaf(either, index, left, inner)),
        false => ("Right", leaf(either, index - left, count - left, inner)),
    };
    let side = Ident::new(side, Span::mixed_site());
    quote_spanned!(Span::mixed_site()=> #either::#side(#rest))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    /// As text, without spaces and the paths of names.
    fn expanded(arms: TokenStream) -> String {
        let tokens = expand(quote!([k choose] #arms)).unwrap();
        text(&tokens.to_string())
            .replace("k::internal::", "")
            .replace("::core::option::Option::", "")
    }

    fn text(tokens: &str) -> String {
        tokens.replace([' ', '\n'], "")
    }

    #[test]
    fn operands_are_evaluated_in_order_and_end_before_the_bodies() {
        let arms = quote!(
            recv(r) -> x => f(x),
            default(t) => {},
            send(s, v) -> Ok(_) | Err(_) => { g() }
            wait(w) => h(),
        );
        let expected = "{
            #[allow(unused_imports)]
            use {TokenArm as _, WaitArm as _};
            let chosen = match (
                match (r) { ref channel => recv_case(channel) },
                Wait::For((t)),
                match (s) { ref channel => send_case(channel, (v)) },
                (w).__timer_or_cancel_token(),
            ) {
                (mut case_0, wait, mut case_1, mut case_2,) =>
                    match choose(&mut [&mut case_0, &mut case_1, &mut case_2], wait) {
                        Some(0usize) => Either::Left(Either::Left(case_0.finish())),
                        Some(1usize) => Either::Left(Either::Right(case_1.finish())),
                        Some(2usize) => Either::Right(Either::Left(case_2.finish())),
                        _ => Either::Right(Either::Right(())),
                    },
            };
            match chosen {
                Either::Left(Either::Left(value)) => { let x = value; (f(x)) }
                Either::Left(Either::Right(value)) => { let (Ok(_) | Err(_)) = value; ({ g() }) }
                Either::Right(Either::Left(())) => { (h()) }
                Either::Right(Either::Right(())) => { ({}) }
            }
        }";
        assert_eq!(expanded(arms), text(expected));
    }

    #[test]
    fn the_wait_is_as_the_default_says() {
        let wait = |arms| {
            let text = expanded(arms);
            ["Wait::Forever", "Wait::Never", "Wait::For("].map(|wait| text.contains(wait))
        };
        assert_eq!(wait(quote!()), [true, false, false]);
        assert_eq!(wait(quote!(recv(r) -> _ => {})), [true, false, false]);
        assert_eq!(wait(quote!(default => {} recv(r) -> _ => {})), [false, true, false]);
        assert_eq!(wait(quote!(default() => {})), [false, true, false]);
        assert_eq!(wait(quote!(default(t) => {})), [false, false, true]);
    }

    #[test]
    fn the_tree_is_no_deeper_than_it_must_be() {
        let depth = |count| {
            let leaf = |index| leaf(&quote!(E), index, count, quote!(x)).to_string();
            (0..count).map(|index| leaf(index).matches('E').count()).max()
        };
        assert_eq!([1, 2, 3, 4, 5, 64].map(depth), [0, 1, 2, 2, 3, 6].map(Some));
    }
}
