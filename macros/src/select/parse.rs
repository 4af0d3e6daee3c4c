//! The grammar of `select!`, and what is said of an input that is not in it.
//!
//! 1. Operands and bodies that are no blocks are parsed, to find where they end. Patterns
//!    and blocks are passed on as they are: what is wrong in them the compiler says itself,
//!    and of what it may accept one day nothing has to be known here.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, Token};

/// `[$crate choose] arms`: the wrapper in `chan` knows the crate, and which `select!` it is.
pub(super) struct Select {
    /// The path of the crate `chan`.
    pub(super) chan: TokenStream,
    /// The function in its `internal` that chooses.
    pub(super) choose: Ident,
    pub(super) arms: Vec<Arm>,
}

/// `operation -> pattern => body`.
pub(super) struct Arm {
    pub(super) operation: Operation,
    /// Empty where there is no result.
    pub(super) pattern: TokenStream,
    pub(super) body: Body,
}

/// What an arm does, with its operands.
pub(super) enum Operation {
    Recv(Expr),
    Send(Expr, Expr),
    Join(Expr),
    Wait(Expr),
    Default(Option<Expr>),
}

pub(super) enum Body {
    Block(Group),
    Expression(Expr),
}

/// The word that an arm begins with.
#[derive(Clone, Copy)]
struct Word {
    kind: Kind,
    span: Span,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Recv,
    Send,
    Join,
    Wait,
    Default,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Recv, Self::Send, Self::Join, Self::Wait, Self::Default];

    fn name(self) -> &'static str {
        match self {
            Self::Recv => "recv",
            Self::Send => "send",
            Self::Join => "join",
            Self::Wait => "wait",
            Self::Default => "default",
        }
    }

    /// What an arm looks like.
    fn form(self) -> &'static str {
        match self {
            Self::Recv => "`recv(receiver) -> result => ..`",
            Self::Send => "`send(sender, value) -> result => ..`",
            Self::Join => "`join(handle) -> result => ..`",
            Self::Wait => "`wait(timer or token) => ..`",
            Self::Default => "`default => ..` or `default(timeout) => ..`",
        }
    }

    /// Whether the operation gives something that a pattern takes.
    fn has_result(self) -> bool {
        !matches!(self, Self::Wait | Self::Default)
    }
}

impl Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.span();
        let found = input.parse::<TokenTree>()?.to_string();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == found).ok_or_else(|| {
            let forms = Kind::ALL.map(Kind::form).join(", ");
            syn::Error::new(span, format!("expected an arm, found `{found}`; there are: {forms}"))
        })?;
        Ok(Self { kind, span })
    }

    /// The error that says what is wrong, and what an arm of this kind looks like.
    fn error<T>(self, span: Span, wrong: &str) -> syn::Result<T> {
        Err(syn::Error::new(span, format!("{wrong}: {}", self.kind.form())))
    }

    /// It is about the next token or, where there is none, about the arm.
    fn error_at<T>(self, input: ParseStream<'_>, wrong: &str) -> syn::Result<T> {
        self.error(if input.is_empty() { self.span } else { input.span() }, wrong)
    }
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let header;
        syn::bracketed!(header in input);
        let chan = header.parse::<TokenTree>()?.into_token_stream();
        let choose = header.parse()?;
        let mut arms = Vec::<Arm>::new();
        while !input.is_empty() {
            let word = Word::parse(input)?;
            if word.kind == Kind::Default && arms.iter().any(Arm::is_default) {
                return Err(syn::Error::new(word.span, "there can be only one `default`"));
            }
            arms.push(Arm::parse(word, input)?);
        }
        Ok(Self { chan, choose, arms })
    }
}

impl Arm {
    /// What follows the word, with the comma at its end.
    fn parse(word: Word, input: ParseStream<'_>) -> syn::Result<Self> {
        let operation = Operation::parse(word, input)?;
        let pattern = parse_pattern(word, input)?;
        input.parse::<Token![=>]>()?;
        let body = Body::parse(word, input)?;
        Ok(Self { operation, pattern, body })
    }

    fn is_default(&self) -> bool {
        matches!(self.operation, Operation::Default(_))
    }
}

impl Operation {
    /// The operands in their parentheses.
    fn parse(word: Word, input: ParseStream<'_>) -> syn::Result<Self> {
        let kind = word.kind;
        if !input.peek(syn::token::Paren) {
            if kind == Kind::Default {
                return Ok(Self::Default(None));
            }
            return word.error_at(input, &format!("expected `(` after `{}`", kind.name()));
        }
        let inside;
        let parentheses = syn::parenthesized!(inside in input).span.join();
        let mut operands = Punctuated::<Expr, Token![,]>::parse_terminated(&inside)?.into_iter();
        let (operation, surplus) = match (kind, operands.next(), operands.next()) {
            (Kind::Recv, Some(receiver), surplus) => (Self::Recv(receiver), surplus),
            (Kind::Send, Some(sender), Some(value)) => (Self::Send(sender, value), operands.next()),
            (Kind::Join, Some(handle), surplus) => (Self::Join(handle), surplus),
            (Kind::Wait, Some(timer), surplus) => (Self::Wait(timer), surplus),
            (Kind::Default, timeout, surplus) => (Self::Default(timeout), surplus),
            (_, _, _) => return word.error(parentheses, "an operand is missing"),
        };
        match surplus {
            Some(surplus) => word.error(surplus.span(), "this operand is one too many"),
            None => Ok(operation),
        }
    }
}

/// `-> pattern`, up to the `=>`.
fn parse_pattern(word: Word, input: ParseStream<'_>) -> syn::Result<TokenStream> {
    let name = word.kind.name();
    let has_arrow = input.peek(Token![->]);
    if has_arrow && !word.kind.has_result() {
        return word.error_at(input, &format!("`{name}` gives no result"));
    }
    if !has_arrow && word.kind.has_result() {
        return word.error_at(input, &format!("expected `->` and a pattern after `{name}(..)`"));
    }
    input.parse::<Option<Token![->]>>()?;
    let mut pattern = TokenStream::new();
    // From there on commas and arrows may be those of types: `Ok::<A, B>(x)`.
    let mut has_types = false;
    while !input.peek(Token![=>]) {
        if input.peek(Token![if]) {
            let wrong = "an arm has no `if`; an operand may decide, `never()` for none";
            return word.error_at(input, wrong);
        }
        has_types |= input.peek(Token![<]);
        let ends = !has_types && (input.peek(Token![->]) || input.peek(Token![,]));
        if !has_arrow || ends || input.is_empty() {
            return word.error_at(input, "expected `=>`");
        }
        pattern.extend([input.parse::<TokenTree>()?]);
    }
    if has_arrow && pattern.is_empty() {
        return word.error_at(input, "expected a pattern after `->`");
    }
    Ok(pattern)
}

impl Body {
    /// The body and the comma after it, which only a block and the last body may go without.
    fn parse(word: Word, input: ParseStream<'_>) -> syn::Result<Self> {
        if input.is_empty() || input.peek(Token![,]) {
            return word.error_at(input, "expected a block or an expression after `=>`");
        }
        let body = match parse_block(input)? {
            Some(block) => Self::Block(block),
            None => Self::Expression(input.parse()?),
        };
        let ends = input.is_empty() || matches!(body, Self::Block(_)) && !input.peek(Token![;]);
        if input.parse::<Option<Token![,]>>()?.is_none() && !ends {
            let message = "expected `,` after the body of this arm: only a block needs none";
            return Err(input.error(message));
        }
        Ok(body)
    }
}

/// The block, if that is all of the body: `{ a }.b()` is an expression.
fn parse_block(input: ParseStream<'_>) -> syn::Result<Option<Group>> {
    let ahead = input.fork();
    let block = match ahead.parse()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => group,
        _ => return Ok(None),
    };
    let ends = ahead.is_empty()
        || ahead.peek(Token![,])
        || ahead.peek(Token![;])
        || ahead.peek(syn::Ident);
    if ends {
        input.advance_to(&ahead);
    }
    Ok(ends.then_some(block))
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse::Parser;

    use super::*;

    fn parse(arms: TokenStream) -> syn::Result<Select> {
        Select::parse.parse2(quote!([chan choose] #arms))
    }

    fn error(arms: TokenStream) -> String {
        parse(arms).err().expect("it is refused").to_string()
    }

    #[test]
    fn commas_go_after_arms_and_operands_where_blocks_need_none() {
        for arms in [
            quote!(),
            quote!(recv(r) -> x => {}),
            quote!(recv(r,) -> x => {}, send(s, v,) -> _ => f(), default(t,) => {},),
            quote!(default => {} recv(r) -> x => {} wait(t) => {} join(h) -> _ => 1),
            quote!(recv(r) -> Ok::<A, B>(_) | Err(_) => {}),
            quote!(recv(r) -> _ => { a }.b(), default() => if c { 1 } else { 2 } + 3),
        ] {
            assert!(parse(arms.clone()).is_ok(), "{arms}");
        }
    }

    #[test]
    fn an_arm_is_one_of_those_there_are() {
        let there_are = "there are: `recv(receiver) -> result => ..`, \
            `send(sender, value) -> result => ..`, `join(handle) -> result => ..`, \
            `wait(timer or token) => ..`, `default => ..` or `default(timeout) => ..`";
        assert_eq!(
            error(quote!(receive(r) -> x => {})),
            format!("expected an arm, found `receive`; {there_are}")
        );
        assert_eq!(
            error(quote!(x = recv(r) => {})),
            format!("expected an arm, found `x`; {there_are}")
        );
        assert_eq!(
            error(quote!(default => 1,, recv(r) -> x => 2)),
            format!("expected an arm, found `,`; {there_are}")
        );
        assert_eq!(
            error(quote!(default => {} default(t) => {})),
            "there can be only one `default`"
        );
    }

    #[test]
    fn operands_are_as_many_as_the_arm_takes() {
        let recv = "`recv(receiver) -> result => ..`";
        assert_eq!(error(quote!(recv => {})), format!("expected `(` after `recv`: {recv}"));
        assert_eq!(error(quote!(recv[r] -> x => {})), format!("expected `(` after `recv`: {recv}"));
        assert_eq!(error(quote!(recv() -> x => {})), format!("an operand is missing: {recv}"));
        let surplus = format!("this operand is one too many: {recv}");
        assert_eq!(error(quote!(recv(r, s) -> x => {})), surplus);
        assert_eq!(
            error(quote!(send(s) -> x => {})),
            "an operand is missing: `send(sender, value) -> result => ..`"
        );
        assert_eq!(
            error(quote!(wait() => {})),
            "an operand is missing: `wait(timer or token) => ..`"
        );
        assert_eq!(
            error(quote!(default(t, u) => {})),
            "this operand is one too many: `default => ..` or `default(timeout) => ..`"
        );
    }

    #[test]
    fn a_pattern_stands_where_there_is_a_result() {
        let recv = "`recv(receiver) -> result => ..`";
        for kind in ["recv(r)", "send(s, v)", "join(h)"] {
            let arm: TokenStream = format!("{kind} => {{}}").parse().unwrap();
            assert!(error(arm).starts_with("expected `->` and a pattern after `"), "{kind}");
        }
        assert_eq!(
            error(quote!(recv(r) -> => {})),
            format!("expected a pattern after `->`: {recv}")
        );
        assert_eq!(error(quote!(recv(r) -> x)), format!("expected `=>`: {recv}"));
        assert_eq!(error(quote!(recv(r) -> x -> y => {})), format!("expected `=>`: {recv}"));
        assert_eq!(error(quote!(recv(r) -> x, default => {})), format!("expected `=>`: {recv}"));
        assert_eq!(
            error(quote!(recv(r) -> x if y => {})),
            format!("an arm has no `if`; an operand may decide, `never()` for none: {recv}")
        );
        assert_eq!(
            error(quote!(wait(t) -> x => {})),
            "`wait` gives no result: `wait(timer or token) => ..`"
        );
        assert_eq!(
            error(quote!(default -> x => {})),
            "`default` gives no result: `default => ..` or `default(timeout) => ..`"
        );
        assert_eq!(
            error(quote!(default {})),
            "expected `=>`: `default => ..` or `default(timeout) => ..`"
        );
    }

    #[test]
    fn a_body_is_there_and_ends_with_a_comma() {
        let body = "expected a block or an expression after `=>`: `wait(timer or token) => ..`";
        assert_eq!(error(quote!(wait(t) =>)), body);
        assert_eq!(error(quote!(wait(t) =>, default => {})), body);
        let comma = "expected `,` after the body of this arm: only a block needs none";
        assert_eq!(error(quote!(wait(t) => f() default => {})), comma);
        assert_eq!(error(quote!(wait(t) => f(); default => {})), comma);
        assert_eq!(error(quote!(wait(t) => {}; default => {})), comma);
        assert_eq!(error(quote!(wait(t) => recv(r) -> x => {})), comma);
        assert_eq!(error(quote!(wait(t) => if c {} else {} default => {})), comma);
    }
}
