//! Size classes: stacks of about the same size are of the very same, so that one can be
//! used again for the other.
//!
//! A class is a power of two of address space, guard included. What a stack is rounded up by
//! costs nothing but addresses.

use super::{DEFAULT_STACK_SIZE, GUARD_SIZE, MIN_STACK_SIZE, NoStack};

/// The smallest class, as an exponent of two.
const FIRST: u8 = (MIN_STACK_SIZE + GUARD_SIZE).next_power_of_two().trailing_zeros() as u8;

/// The largest: half of what a process can address on x86-64.
const LAST: u8 = 46;

/// One class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class(u8);

impl Class {
    /// How many there are.
    pub(crate) const COUNT: usize = (LAST - FIRST + 1) as usize;

    /// That of stacks of which nothing else is said.
    pub(super) const USUAL: Self =
        Self((DEFAULT_STACK_SIZE + GUARD_SIZE).next_power_of_two().trailing_zeros() as u8);

    /// The smallest class with so many usable bytes.
    pub(crate) fn of(usable: usize) -> Result<Self, NoStack> {
        let bytes = usable.max(MIN_STACK_SIZE).checked_add(GUARD_SIZE);
        let bytes = bytes.and_then(usize::checked_next_power_of_two);
        match bytes.map(|bytes| bytes.trailing_zeros() as u8) {
            Some(exponent) if exponent <= LAST => Ok(Self(exponent)),
            _ => Err(NoStack::too_large()),
        }
    }

    /// From 0.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0 - FIRST)
    }

    /// The class that has this index.
    pub(super) fn from_index(index: usize) -> Self {
        Self(FIRST + index as u8)
    }

    /// Of address space.
    pub(crate) fn bytes(self) -> usize {
        1 << self.0
    }

    /// Of stack.
    pub(crate) fn usable(self) -> usize {
        self.bytes() - GUARD_SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_powers_of_two_and_to_the_minimum() {
        for (asked, usable) in [
            (0, MIN_STACK_SIZE),
            (MIN_STACK_SIZE, MIN_STACK_SIZE),
            (MIN_STACK_SIZE + 1, DEFAULT_STACK_SIZE),
            (DEFAULT_STACK_SIZE, DEFAULT_STACK_SIZE),
            (1 << 20, (2 << 20) - GUARD_SIZE),
        ] {
            assert_eq!(Class::of(asked).unwrap().usable(), usable);
        }
        assert_eq!(Class::of(0).unwrap().index(), 0);
        assert_eq!(Class::of(1 << 45).unwrap().index(), Class::COUNT - 1);
    }

    #[test]
    fn impossible_sizes_are_errors() {
        for size in [usize::MAX, usize::MAX - GUARD_SIZE, 1 << 60, 1 << 46] {
            assert!(Class::of(size).unwrap_err().to_string().contains("stack_size"));
        }
    }
}
