//! A dump whenever the process gets a SIGQUIT: [`Builder::dump_on_sigquit`].
//!
//! A signal may come while any lock is held, the allocator's, too. So its handler only writes to a
//! socket, from which an OS thread reads that does the rest.
//!
//! [`Builder::dump_on_sigquit`]: crate::runtime::Builder::dump_on_sigquit

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use signal_hook::consts::SIGQUIT;
use signal_hook::low_level::pipe;

use crate::deadlock::OurThread;
use crate::dump;
use crate::primitive::ThreadBuilder;
use crate::report::report;
use crate::worker::spawn_error;

/// From now on, if not yet.
pub(crate) fn listen() -> io::Result<()> {
    // not modelled: nobody waits at it
    static LISTENS: parking_lot::Mutex<bool> = parking_lot::Mutex::new(false);
    let mut listens = LISTENS.lock();
    if *listens {
        return Ok(());
    }
    let (mut signals, handler) = UnixStream::pair()?;
    let work = move || {
        let _ours = OurThread::begin();
        // Some at once are one.
        while signals.read(&mut [0; 64]).is_ok_and(|count| count > 0) {
            report(format_args!("sward: SIGQUIT: {}", dump::dump()));
        }
    };
    ThreadBuilder::new()
        .name("sward-sigquit".to_owned())
        .spawn(work)
        .map_err(|error| spawn_error("the OS thread that waits for SIGQUIT", error))?;
    pipe::register(SIGQUIT, handler)?;
    *listens = true;
    Ok(())
}
