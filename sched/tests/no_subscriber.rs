//! The feature `tracing` in a program that sets no subscriber: apart from `spans.rs`, whose
//! subscriber is that of the whole process.

use sward_sched::{spawn, yield_now};
use tracing::{Span, info, info_span};

#[test]
fn without_a_subscriber_threads_block_as_ever() {
    sward_sched::run(|| {
        let threads: Vec<_> = (0..100)
            .map(|i| {
                spawn(move || {
                    let _span = info_span!("nobody looks").entered();
                    for _ in 0..10 {
                        info!(i);
                        yield_now();
                        assert!(Span::current().is_none());
                    }
                    i
                })
            })
            .collect();
        let sum: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, (0..100).sum());
    });
}
