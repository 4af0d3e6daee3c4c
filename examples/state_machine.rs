//! A calculator made of two coroutines, a tokenizer and a parser.
//!
//! A tokenizer is written most easily as a loop that hands out tokens, and a parser as functions that
//! call each other and ask for the next token wherever they need one. If one of the two is to call the
//! other, that other becomes a state machine, with its place in the text, or in the grammar, kept in
//! variables. As coroutines both keep their natural form: where they are is where they are in their code,
//! however deep. (Coroutines were invented for just that: Conway, "Design of a Separable
//! Transition-Diagram Compiler", 1963.)
//!
//! It prints what each line comes to, or what is wrong with it:
//!
//! ```text
//! 1 + 2 * 3 = 7
//! 2 * (3 + 4 = ?
//!     line 4, column 11: expected an operator or ')', found the end of the line
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;

use sward::coroutine::{Coroutine, State, Yielder, generator};

const LINES: &str = "\
1 + 2 * 3
(1 + 2) * 3
-2 * -(10 - 4 - 3)
2 * (3 + 4
8 / / 2
((1 + 2) * (3 + 4) - 1) / 8
6 x 7
5 -
7";

#[derive(Clone, Copy)]
struct Token {
    symbol: Symbol,
    line: usize,
    column: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Symbol {
    Number(f64),
    Sign(char),
    EndOfLine,
}
use Symbol::{EndOfLine, Number, Sign};

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number(value) => write!(f, "{value}"),
            Sign(sign) => write!(f, "'{sign}'"),
            EndOfLine => write!(f, "the end of the line"),
        }
    }
}

/// Hands out the tokens of a text.
fn tokenize(text: &str, y: &Yielder<(), Token>) {
    for (line, content) in (1..).zip(text.lines()) {
        let mut chars = (1..).zip(content.chars()).peekable();
        while let Some((column, c)) = chars.next() {
            let symbol = match c {
                ' ' => continue,
                '0'..='9' => {
                    let mut digits = String::from(c);
                    while let Some((_, digit)) = chars.next_if(|(_, c)| c.is_ascii_digit()) {
                        digits.push(digit);
                    }
                    Number(digits.parse().unwrap())
                }
                sign => Sign(sign),
            };
            y.suspend(Token { symbol, line, column });
        }
        y.suspend(Token { symbol: EndOfLine, line, column: content.chars().count() + 1 });
    }
}

/// What a line comes to, or what is wrong with it.
type Answer = Result<f64, String>;

/// Is sent the tokens of a text, and has an answer at the end of each line.
fn parse(y: &Yielder<Token, Option<Answer>>, first: Token) {
    let mut parser = Parser { y, next: first };
    loop {
        let answer = parser.line();
        while parser.next.symbol != EndOfLine {
            parser.advance();
        }
        parser.next = y.suspend(Some(answer));
    }
}

/// One function for each rule of the grammar.
struct Parser<'y> {
    y: &'y Yielder<Token, Option<Answer>>,
    /// Looked at, and not used yet.
    next: Token,
}

impl Parser<'_> {
    /// line = sum, end of line
    fn line(&mut self) -> Answer {
        let value = self.sum()?;
        match self.next.symbol {
            EndOfLine => Ok(value),
            _ => self.expected("an operator or the end of the line"),
        }
    }

    /// sum = product, { "+" | "-", product }
    fn sum(&mut self) -> Answer {
        let mut sum = self.product()?;
        while let Sign(sign @ ('+' | '-')) = self.next.symbol {
            self.advance();
            let product = self.product()?;
            sum = if sign == '+' { sum + product } else { sum - product };
        }
        Ok(sum)
    }

    /// product = factor, { "*" | "/", factor }
    fn product(&mut self) -> Answer {
        let mut product = self.factor()?;
        while let Sign(sign @ ('*' | '/')) = self.next.symbol {
            self.advance();
            let factor = self.factor()?;
            product = if sign == '*' { product * factor } else { product / factor };
        }
        Ok(product)
    }

    /// factor = number | "-", factor | "(", sum, ")"
    fn factor(&mut self) -> Answer {
        match self.next.symbol {
            Number(value) => {
                self.advance();
                Ok(value)
            }
            Sign('-') => {
                self.advance();
                Ok(-self.factor()?)
            }
            Sign('(') => {
                self.advance();
                let sum = self.sum()?;
                if self.next.symbol != Sign(')') {
                    return self.expected("an operator or ')'");
                }
                self.advance();
                Ok(sum)
            }
            _ => self.expected("a number, '-' or '('"),
        }
    }

    /// Asks for another token: from here the parser as a whole is suspended.
    fn advance(&mut self) {
        self.next = self.y.suspend(None);
    }

    fn expected(&self, what: &str) -> Answer {
        let Token { symbol, line, column } = self.next;
        Err(format!("line {line}, column {column}: expected {what}, found {symbol}"))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let parser = Coroutine::new(parse);
    let mut lines = LINES.lines();
    for token in generator(|y| tokenize(LINES, y)) {
        if let State::Yielded(Some(answer)) = parser.resume(token)? {
            let line = lines.next().unwrap();
            match answer {
                Ok(value) => println!("{line} = {value}"),
                Err(error) => println!("{line} = ?\n    {error}"),
            }
        }
    }
    Ok(())
}
