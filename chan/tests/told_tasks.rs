//! A task that receives is told of a value, and comes for it later: what others see meanwhile.

#[macro_use]
mod settings;
mod values;

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use settings::{Setting, settle, until};
use sward_chan::{RecvError, RecvFuture, Select};
use values::{CAPACITIES, channel};

in_every_setting!(a_selected_send_does_not_overtake_what_a_task_was_told_of);

fn poll<T>(future: Pin<&mut RecvFuture<'_, T>>) -> Poll<Result<T, RecvError>> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The task is first in line, and a thread behind it.
fn a_selected_send_does_not_overtake_what_a_task_was_told_of(setting: &Setting) {
    for capacity in CAPACITIES {
        let (sender, receiver) = channel(capacity);
        let mut task = pin!(receiver.recv_async());
        assert!(poll(task.as_mut()).is_pending());
        let other = receiver.clone();
        let receiving = setting.spawn(move || other.recv());
        settle();
        let sending = setting.spawn(move || {
            sender.send(0).unwrap();
            let mut select = Select::new();
            select.send(&sender);
            select.select().send(&sender, 1)
        });
        assert_eq!(receiving.join(), Ok(0), "capacity {capacity:?}");
        until(|| match poll(task.as_mut()) {
            Poll::Ready(value) => {
                assert_eq!(value, Ok(1), "capacity {capacity:?}");
                true
            }
            Poll::Pending => false,
        });
        sending.join().unwrap();
    }
}
