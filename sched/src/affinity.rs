//! On which cores an OS thread may run.

use std::io;

/// Words of 64 cores each: for more of them than any kernel is built for today.
const WORDS: usize = 128;

/// A set of cores, by their numbers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Cores(Box<[u64; WORDS]>);

impl Cores {
    /// Those that the calling OS thread may run on.
    pub(crate) fn current() -> io::Result<Self> {
        let mut cores = Self(Box::new([0; WORDS]));
        // SAFETY: room for as many bytes as it is told of. 0 is the calling thread.
        let result = unsafe {
            libc::sched_getaffinity(0, size_of_val(&*cores.0), cores.0.as_mut_ptr().cast())
        };
        if result == 0 { Ok(cores) } else { Err(io::Error::last_os_error()) }
    }

    /// The cores of these numbers.
    pub(crate) fn from_numbers(numbers: impl IntoIterator<Item = usize>) -> io::Result<Self> {
        let mut cores = Self(Box::new([0; WORDS]));
        let mut is_empty = true;
        for number in numbers {
            let word = cores.0.get_mut(number / 64).ok_or_else(|| unavailable(number))?;
            *word |= 1 << (number % 64);
            is_empty = false;
        }
        match is_empty {
            true => Err(io::Error::new(io::ErrorKind::InvalidInput, "no core at all is given")),
            false => Ok(cores),
        }
    }

    /// Confines the calling OS thread, and those that it starts from now on, to these.
    pub(crate) fn apply(&self) -> io::Result<()> {
        // The kernel leaves out what it does not have, unless nothing remains.
        let set = self.set();
        if let Err(error) = &set
            && error.raw_os_error() != Some(libc::EINVAL)
        {
            // Not for want of cores.
            return set;
        }
        let available = set.and_then(|()| Self::current());
        let lacks = |(index, wanted): (usize, &u64)| {
            let missing = wanted & !available.as_ref().map_or(0, |it| it.0[index]);
            (missing != 0).then(|| index * 64 + missing.trailing_zeros() as usize)
        };
        match self.0.iter().enumerate().find_map(lacks) {
            Some(number) => Err(unavailable(number)),
            None => available.map(drop),
        }
    }

    fn set(&self) -> io::Result<()> {
        // SAFETY: as many bytes as it is told of. 0 is the calling thread.
        let result =
            unsafe { libc::sched_setaffinity(0, size_of_val(&*self.0), self.0.as_ptr().cast()) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn unavailable(number: usize) -> io::Error {
    let message = format!("core {number} does not exist, or this process may not use it");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In an OS thread of its own, which the test changes.
    fn apart(test: fn()) {
        // not modelled: a test of the system
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn what_is_applied_is_what_holds() {
        apart(|| {
            let all = Cores::current().unwrap();
            let first = (0..WORDS * 64).find(|i| all.0[i / 64] >> (i % 64) & 1 == 1).unwrap();
            let one = Cores::from_numbers([first]).unwrap();
            one.apply().unwrap();
            assert!(Cores::current().unwrap() == one);
            all.apply().unwrap();
            assert!(Cores::current().unwrap() == all);
        });
    }

    #[test]
    fn cores_that_are_not_there_are_errors() {
        apart(|| {
            let all = Cores::current().unwrap();
            let first = (0..WORDS * 64).find(|i| all.0[i / 64] >> (i % 64) & 1 == 1).unwrap();
            for numbers in [vec![], vec![8000], vec![first, 8000], vec![usize::MAX]] {
                let error = Cores::from_numbers(numbers).and_then(|cores| cores.apply());
                assert_eq!(error.unwrap_err().kind(), io::ErrorKind::InvalidInput);
            }
        });
    }
}
