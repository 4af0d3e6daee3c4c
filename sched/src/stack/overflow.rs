//! The end of a green thread that runs off its stack: a line that says which one it was and
//! what to do, and an abort.
//!
//! The fault is a signal, handled on an alternate stack, since there is none left: each OS
//! thread that resumes coroutines has one from us ([`AltStack`]), until its thread-locals are dropped. std
//! gives its OS threads one of 8 KiB, too small to report from.
//!
//! 1. A fault is an overflow if its address is in a guard of ours, and either it is the guard
//!    of the green thread that this OS thread runs, or the stack pointer is in that stack. The
//!    process does not go on from there.
//! 2. Every other fault is for whoever handled it before us, as if we were not there: std,
//!    whose handler knows the guards of OS threads; the program's; or the system. A handler that
//!    is installed after ours, and passes on what is not for it, gets to us the same way.
//! 3. The handler is async-signal-safe: it takes no lock and no memory. What it reads of the
//!    thread that it interrupts is that OS thread's own, and stays while that thread runs.

use std::ffi::{c_int, c_void};
use std::fmt::{self, Write};
use std::mem::{MaybeUninit, transmute};
use std::ptr;
use std::sync::Once;

use super::{Extent, GUARD_SIZE, registry};
use crate::current;
use crate::thread::Header;

/// Enough for a message, and for a handler of the program's that we pass a fault on to.
const ALT_STACK_SIZE: usize = 64 * 1024;

/// How a fault arrives: a mark or a range without access gives the first, but where memory
/// is backed by something else the second may come in its place.
const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Models run many workers on one OS thread, and Miri has no signals.
const IS_ACTIVE: bool = cfg!(not(any(sward_loom, miri)));

/// What was there before us; written once, before our handler can run.
static mut PREVIOUS: [MaybeUninit<libc::sigaction>; SIGNALS.len()] =
    [const { MaybeUninit::uninit() }; SIGNALS.len()];

/// Lets this process' overflows be told. The first call counts.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        for (index, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: `sigaction` reads and writes what it is given. The handler has the
            // signature that `SA_SIGINFO` asks for. The static is written before it is
            // installed, by this thread only.
            unsafe {
                let previous = &raw mut PREVIOUS[index];
                if libc::sigaction(signal, ptr::null(), previous.cast()) != 0 {
                    continue;
                }
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handle as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigaction(signal, &action, ptr::null_mut());
            }
        }
    });
}

unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel, or a handler that passes its arguments on, gives us both.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    // Not positive: not a fault; somebody has sent the signal.
    if code > 0
        && let Some(extent) = registry::find(address)
        && address < extent.usable_low()
    {
        // SAFETY: (3): the current thread, if any, runs: its task is alive.
        let thread = unsafe { current::green_thread().as_ref() };
        let is_its = thread.is_some_and(|thread| thread.extent() == Some(extent));
        // SAFETY: as above: what the kernel has passed.
        if is_its || extent.spans(unsafe { stack_pointer(context) }) {
            // SAFETY: code runs on the stack, so what lies at its top is there.
            let of = match unsafe { (*extent.top_record()).id() } {
                0 if is_its => Of::Thread,
                0 => Of::Unknown,
                _ => Of::Coroutine,
            };
            report(of, thread, extent);
            // SAFETY: async-signal-safe, and it does not return.
            unsafe { libc::abort() };
        }
    }
    // SAFETY: the arguments as they came.
    unsafe { pass_on(signal, info, context) };
}

/// Calls the handler before ours, or puts back what was there instead of one; then the
/// fault comes again.
///
/// # Safety
///
/// The arguments are those of a handler of a signal in [`SIGNALS`].
unsafe fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let index = SIGNALS.iter().position(|it| *it == signal);
    // SAFETY: written before our handler was installed.
    let previous = unsafe { (&raw const PREVIOUS[index.unwrap_or(0)]).cast::<libc::sigaction>() };
    // SAFETY: as above; what it holds came from the system, so a handler has the signature that
    // its flags say, and gets what it would have got.
    unsafe {
        let (flags, handler) = ((*previous).sa_flags, (*previous).sa_sigaction);
        let is_fault = (*info).si_code > 0;
        if handler == libc::SIG_IGN && !is_fault {
            return;
        }
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            libc::sigaction(signal, previous, ptr::null_mut());
            if !is_fault {
                // It does not come again by itself. (It is blocked until we return.)
                libc::raise(signal);
            }
            return;
        }
        if flags & libc::SA_RESETHAND != 0 {
            // As the kernel does: it is called once, and then nobody is.
            let mut default: libc::sigaction = std::mem::zeroed();
            default.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &default, ptr::null_mut());
        }
        let mut mask = (*previous).sa_mask;
        if flags & libc::SA_NODEFER == 0 {
            libc::sigaddset(&mut mask, signal);
        }
        let mut ours = MaybeUninit::uninit();
        libc::pthread_sigmask(libc::SIG_BLOCK, &mask, ours.as_mut_ptr());
        if flags & libc::SA_NODEFER != 0 {
            let mut this = MaybeUninit::uninit();
            libc::sigemptyset(this.as_mut_ptr());
            libc::sigaddset(this.as_mut_ptr(), signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, this.as_ptr(), ptr::null_mut());
        }
        if flags & libc::SA_SIGINFO != 0 {
            type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
            transmute::<usize, Handler>(handler)(signal, info, context);
        } else {
            transmute::<usize, unsafe extern "C" fn(c_int)>(handler)(signal);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, ours.as_ptr(), ptr::null_mut());
    }
}

/// Where the interrupted code's stack pointer was.
///
/// # Safety
///
/// `context` is what the kernel gives to a handler.
unsafe fn stack_pointer(context: *const c_void) -> usize {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise.
    unsafe {
        let context = context.cast::<libc::ucontext_t>();
        (*context).uc_mcontext.gregs[libc::REG_RSP as usize] as usize
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = context;
        0
    }
}

/// Whose stack it was.
enum Of {
    /// The green thread's that runs.
    Thread,
    /// A coroutine's, that runs in that thread, if there is one.
    Coroutine,
    /// A subscriber's code, say, on a green thread's stack.
    Unknown,
}

/// Says whose stack it was, and what to do, in one write if the message is not longer than that.
fn report(of: Of, thread: Option<&Header>, extent: Extent) {
    let mut stderr = Stderr { buffer: [0; 512], len: 0 };
    let _ = write_message(&mut stderr, of, thread, extent.class().usable());
    stderr.flush();
}

fn write_message(to: &mut impl Write, of: Of, thread: Option<&Header>, size: usize) -> fmt::Result {
    to.write_str("\nsward: ")?;
    match (&of, thread) {
        (Of::Thread, Some(thread)) => write_thread(to, thread)?,
        (Of::Coroutine, Some(thread)) => {
            to.write_str("a coroutine in ")?;
            write_thread(to, thread)?;
        }
        (Of::Coroutine, None) => to.write_str("a coroutine")?,
        _ => to.write_str("code on the stack of a green thread")?,
    }
    let remedy = match of {
        Of::Coroutine => "`sward::coroutine::Builder::stack_size`",
        _ => {
            "`sward::Builder::stack_size`, `go!(stack_size = ..; ..)`, or \
             `sward::runtime::Builder::stack_size` for all threads"
        }
    };
    writeln!(
        to,
        " has overflowed its stack of {size} bytes; aborting.\n\
         (Endless recursion? Otherwise give it more: {remedy}.)"
    )
}

fn write_thread(to: &mut impl Write, thread: &Header) -> fmt::Result {
    let (id, location) = (thread.id, thread.location);
    match thread.name() {
        Some(name) => write!(to, "green thread '{name}' (#{id}, spawned at {location})"),
        None => write!(to, "green thread #{id} (spawned at {location})"),
    }
}

/// The descriptor, with nothing of std's between.
struct Stderr {
    buffer: [u8; 512],
    len: usize,
}

impl Stderr {
    fn flush(&mut self) {
        let mut rest = &self.buffer[..self.len];
        while !rest.is_empty() {
            // SAFETY: the kernel reads so many bytes.
            let written = unsafe { libc::write(2, rest.as_ptr().cast(), rest.len()) };
            match usize::try_from(written) {
                Ok(written) if written > 0 => rest = &rest[written..],
                _ => break,
            }
        }
        self.len = 0;
    }
}

impl Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.len == self.buffer.len() {
                self.flush();
            }
            self.buffer[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// This OS thread's stack for handlers, while it resumes coroutines.
#[derive(Debug)]
pub(crate) struct AltStack {
    low: *mut c_void,
    before: libc::stack_t,
}

impl AltStack {
    /// Gives this OS thread one, and installs the handler. Without memory for it, or
    /// where there are no signals, overflows end the process without a word.
    pub(crate) fn enter() -> Option<Self> {
        if !IS_ACTIVE {
            return None;
        }
        install();
        const LEN: usize = ALT_STACK_SIZE + GUARD_SIZE;
        // SAFETY: a new private mapping touches nothing that exists; its lower end, in use by
        // nobody, is the guard; the rest becomes the alternate stack until `drop`.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK;
            let access = libc::PROT_READ | libc::PROT_WRITE;
            let low = libc::mmap(ptr::null_mut(), LEN, access, flags, -1, 0);
            if low == libc::MAP_FAILED {
                return None;
            }
            let _ = super::guard::Kind::first().install(low);
            let stack = libc::stack_t {
                ss_sp: low.byte_add(GUARD_SIZE),
                ss_flags: 0,
                ss_size: ALT_STACK_SIZE,
            };
            let mut before = MaybeUninit::uninit();
            if libc::sigaltstack(&stack, before.as_mut_ptr()) != 0 {
                libc::munmap(low, LEN);
                return None;
            }
            Some(Self { low, before: before.assume_init() })
        }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        // SAFETY: what was there before, std's as a rule, is there still; then nothing uses ours.
        unsafe {
            if libc::sigaltstack(&self.before, ptr::null_mut()) == 0 {
                libc::munmap(self.low, ALT_STACK_SIZE + GUARD_SIZE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_however_it_is_cut() {
        let mut message = String::new();
        write_message(&mut message, Of::Unknown, None, 4096).unwrap();
        assert!(message.contains("4096 bytes") && message.ends_with(".)\n"));
    }
}
