//! Mistakes made on purpose, one in a round: what a broken channel would do. A stress that does
//! not notice them proves nothing.

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Sabotage {
    /// A value that has come is forgotten.
    Lose,
    /// A value comes twice.
    Double,
    /// Two values come in the wrong order.
    Swap,
    /// A selected send is neither completed nor given back.
    Leak,
    /// A thread never ends.
    Hang,
}
