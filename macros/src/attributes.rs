//! `#[sward::main]` and `#[sward::test]`: a function whose body runs on the runtime.
//!
//! The body becomes a closure with the function's return type, so that `return`, `?`
//! and inference mean what they meant. On an error the function is left as it was
//! beside the message, so that the error is the only one.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, ItemFn, ReturnType, Token, Type};

/// `#[sward::main]`.
pub(crate) fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    or_the_item(Attribute::Main, arguments, item)
}

/// `#[sward::test]`.
pub(crate) fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    or_the_item(Attribute::Test, arguments, item)
}

fn or_the_item(attribute: Attribute, arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, arguments, item.clone()).unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#error #item)
    })
}

#[derive(Clone, Copy)]
enum Attribute {
    Main,
    Test,
}

impl Attribute {
    fn name(self) -> &'static str {
        match self {
            Attribute::Main => "sward::main",
            Attribute::Test => "sward::test",
        }
    }

    /// What the function is to look like.
    fn example(self) -> &'static str {
        match self {
            Attribute::Main => "fn main()",
            Attribute::Test => "fn name()",
        }
    }
}

fn expand(
    attribute: Attribute,
    arguments: TokenStream,
    item: TokenStream,
) -> syn::Result<TokenStream> {
    let arguments =
        (|input: ParseStream<'_>| Arguments::parse(attribute, input)).parse2(arguments)?;
    let mut function = ItemFn::parse.parse2(item).map_err(|error| {
        let name = attribute.name();
        syn::Error::new(error.span(), format!("`#[{name}]` goes on a function: {error}"))
    })?;
    check(attribute, &function)?;

    // An error about the value that comes back points at the type of that value.
    let (site, output) = match &function.sig.output {
        ReturnType::Default => (function.sig.ident.span(), quote!(-> ())),
        // A closure cannot say `impl Trait`; its body decides.
        ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => (ty.span(), quote!()),
        output @ ReturnType::Type(_, ty) => (ty.span(), output.to_token_stream()),
    };
    let site = site.resolved_at(Span::mixed_site());
    let runner = arguments.runner(site);
    let body = &function.block;
    let closure = quote_spanned!(site=> || #output #body);
    *function.block = syn::parse2(quote_spanned!(site=> { #runner(#closure) }))?;
    Ok(match attribute {
        Attribute::Main => function.into_token_stream(),
        Attribute::Test => quote!(#[::core::prelude::v1::test] #function),
    })
}

/// What stands between the parentheses of the attribute.
#[derive(Default)]
struct Arguments {
    workers: Option<Expr>,
    /// The `unsafe` of `unsafe(migrate)`.
    migrate: Option<Token![unsafe]>,
}

impl Arguments {
    fn parse(attribute: Attribute, input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            if input.peek(Token![unsafe]) {
                arguments.parse_migrate(input)?;
            } else {
                arguments.parse_workers(attribute, input)?;
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }

    fn parse_workers(&mut self, attribute: Attribute, input: ParseStream<'_>) -> syn::Result<()> {
        let name = input.call(<Ident as syn::ext::IdentExt>::parse_any)?;
        if name != "workers" {
            let attribute = attribute.name();
            let message = format!(
                "`#[{attribute}]` has no argument `{name}`; there are: `workers = 2`, \
                 `unsafe(migrate)`"
            );
            return Err(syn::Error::new(name.span(), message));
        }
        if self.workers.is_some() {
            return Err(syn::Error::new(name.span(), "argument `workers` is given twice"));
        }
        input.parse::<Token![=]>()?;
        self.workers = Some(input.parse()?);
        Ok(())
    }

    fn parse_migrate(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let keyword = input.parse::<Token![unsafe]>()?;
        let inside;
        syn::parenthesized!(inside in input);
        let name = inside.parse::<Ident>()?;
        if name != "migrate" || !inside.is_empty() {
            return Err(syn::Error::new(name.span(), "what can be unsafe here is `migrate`"));
        }
        if self.migrate.replace(keyword).is_some() {
            return Err(syn::Error::new(name.span(), "argument `unsafe(migrate)` is given twice"));
        }
        Ok(())
    }

    /// What is called with the closure.
    fn runner(self, site: Span) -> TokenStream {
        if self.workers.is_none() && self.migrate.is_none() {
            return quote_spanned!(site=> ::sward::run);
        }
        let mut builder = quote_spanned!(site=> ::sward::runtime::Builder::new());
        if let Some(workers) = self.workers {
            builder = quote_spanned!(site=> #builder.workers(#workers));
        }
        if let Some(keyword) = self.migrate {
            // With the user's own keyword: where `unsafe_code` is forbidden, this is.
            builder = quote_spanned!(site=> #keyword { #builder.allow_migration() });
        }
        quote_spanned! {site=>
            #builder.build().expect("the sward runtime cannot start").run
        }
    }
}

fn check(attribute: Attribute, function: &ItemFn) -> syn::Result<()> {
    let (name, example) = (attribute.name(), attribute.example());
    let refuse =
        |span: Span, why: &str| Err(syn::Error::new(span, format!("{why}: write `{example}`")));
    let signature = &function.sig;
    if let Some(asyncness) = &signature.asyncness {
        return refuse(asyncness.span, "nothing in sward is async");
    }
    if !signature.inputs.is_empty() {
        let why = format!("the function of `#[{name}]` has no parameters");
        return refuse(signature.inputs.span(), &why);
    }
    let generics = &signature.generics;
    if !generics.params.is_empty() {
        let why = format!("the function of `#[{name}]` is not generic");
        return refuse(generics.params.span(), &why);
    }
    if let Some(clause) = &generics.where_clause {
        let why = format!("the function of `#[{name}]` is not generic");
        return refuse(clause.span(), &why);
    }
    if let Attribute::Test = attribute
        && let Some(second) = function.attrs.iter().find(|attr| attr.path().is_ident("test"))
    {
        let message = "`#[sward::test]` makes the function a test already: leave out `#[test]`";
        return Err(syn::Error::new(second.span(), message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As text, without the spaces that tell `| |` from `||`.
    fn text(tokens: TokenStream) -> String {
        tokens.to_string().replace(' ', "")
    }

    fn error(attribute: Attribute, arguments: TokenStream, item: TokenStream) -> String {
        expand(attribute, arguments, item).unwrap_err().to_string()
    }

    #[test]
    fn the_body_becomes_a_closure() {
        let item = quote!(
            /// Docs.
            #[inline]
            pub fn main() -> Result<(), Error> {
                work()?;
                Ok(())
            }
        );
        assert_eq!(
            text(expand(Attribute::Main, quote!(), item).unwrap()),
            text(quote!(
                /// Docs.
                #[inline]
                pub fn main() -> Result<(), Error> {
                    ::sward::run(|| -> Result<(), Error> {
                        work()?;
                        Ok(())
                    })
                }
            ))
        );
        let unit = expand(
            Attribute::Main,
            quote!(),
            quote!(
                fn main() {
                    work()
                }
            ),
        )
        .unwrap();
        let expected = quote!(
            fn main() {
                ::sward::run(|| -> () { work() })
            }
        );
        assert_eq!(text(unit), text(expected));
    }

    #[test]
    fn a_test_is_marked_as_one() {
        let item = quote!(
            #[should_panic]
            fn t() {}
        );
        let expected = quote!(
            #[::core::prelude::v1::test]
            #[should_panic]
            fn t() {
                ::sward::run(|| -> () {})
            }
        );
        let test = expand(Attribute::Test, quote!(), item).unwrap();
        assert_eq!(text(test), text(expected));
    }

    #[test]
    fn workers_build_a_runtime() {
        let item = quote!(
            fn main() {}
        );
        let main = expand(Attribute::Main, quote!(workers = 1 + 1,), item).unwrap().to_string();
        assert!(main.contains(&quote!(Builder::new().workers(1 + 1).build()).to_string()));
    }

    #[test]
    fn arguments_are_known_and_given_once() {
        let item = quote!(
            fn main() {}
        );
        assert_eq!(
            error(Attribute::Main, quote!(threads = 2), item.clone()),
            "`#[sward::main]` has no argument `threads`; there are: `workers = 2`, `unsafe(migrate)`"
        );
        assert_eq!(
            error(Attribute::Test, quote!(unsafe(x)), item.clone()),
            "what can be unsafe here is `migrate`"
        );
        assert_eq!(
            error(Attribute::Main, quote!(workers = 1, workers = 2), item),
            "argument `workers` is given twice"
        );
    }

    #[test]
    fn only_a_plain_function_is_accepted() {
        let main = |item| error(Attribute::Main, quote!(), item);
        assert_eq!(
            main(quote!(
                async fn main() {}
            )),
            "nothing in sward is async: write `fn main()`"
        );
        assert_eq!(
            main(quote!(
                fn main(x: u32) {}
            )),
            "the function of `#[sward::main]` has no parameters: write `fn main()`"
        );
        let generic = "the function of `#[sward::main]` is not generic: write `fn main()`";
        assert_eq!(
            main(quote!(
                fn main<T>() {}
            )),
            generic
        );
        assert_eq!(
            main(quote!(
                fn main()
                where
                    u32: Copy,
                {
                }
            )),
            generic
        );
        assert!(
            main(quote!(
                struct Main;
            ))
            .starts_with("`#[sward::main]` goes on a function")
        );
        assert_eq!(
            error(
                Attribute::Test,
                quote!(),
                quote!(
                    #[test]
                    fn t() {}
                )
            ),
            "`#[sward::test]` makes the function a test already: leave out `#[test]`"
        );
    }

    #[test]
    fn after_an_error_the_function_is_still_there() {
        let item = quote!(
            async fn main() {}
        );
        assert!(main(quote!(), item.clone()).to_string().ends_with(&item.to_string()));
    }
}
