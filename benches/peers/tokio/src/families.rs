//! Whose channels: tokio's own, kanal's, flume's.

use std::future::Future;

use tokio::sync::mpsc;

pub(crate) trait Channels: Sized + 'static {
    type Sender: Sender;
    type Receiver: Receiver;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    fn unbounded() -> (impl Sender, impl Receiver);
}

pub(crate) trait Sender: Clone + Send + Sync + 'static {
    fn send(&self, value: u64) -> impl Future<Output = ()> + Send;
}

pub(crate) trait Receiver: Send + 'static {
    /// `None`: there are no senders left.
    fn recv(&mut self) -> impl Future<Output = Option<u64>> + Send;
}

/// One receiver, and no capacity 0: it gets 1.
pub(crate) struct Mpsc;

impl Channels for Mpsc {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity.max(1))
    }

    fn unbounded() -> (impl Sender, impl Receiver) {
        mpsc::unbounded_channel()
    }
}

impl Sender for mpsc::Sender<u64> {
    async fn send(&self, value: u64) {
        self.send(value).await.unwrap();
    }
}

impl Receiver for mpsc::Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        self.recv().await
    }
}

impl Sender for mpsc::UnboundedSender<u64> {
    async fn send(&self, value: u64) {
        self.send(value).unwrap();
    }
}

impl Receiver for mpsc::UnboundedReceiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        self.recv().await
    }
}

pub(crate) struct Kanal;

impl Channels for Kanal {
    type Sender = kanal::AsyncSender<u64>;
    type Receiver = kanal::AsyncReceiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        kanal::bounded_async(capacity)
    }

    fn unbounded() -> (impl Sender, impl Receiver) {
        kanal::unbounded_async()
    }
}

impl Sender for kanal::AsyncSender<u64> {
    async fn send(&self, value: u64) {
        self.send(value).await.unwrap();
    }
}

impl Receiver for kanal::AsyncReceiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        // Its own method; `self.recv()` is this one.
        kanal::AsyncReceiver::recv(self).await.ok()
    }
}

pub(crate) struct Flume;

impl Channels for Flume {
    type Sender = flume::Sender<u64>;
    type Receiver = flume::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        flume::bounded(capacity)
    }

    fn unbounded() -> (impl Sender, impl Receiver) {
        flume::unbounded()
    }
}

impl Sender for flume::Sender<u64> {
    async fn send(&self, value: u64) {
        self.send_async(value).await.unwrap();
    }
}

impl Receiver for flume::Receiver<u64> {
    async fn recv(&mut self) -> Option<u64> {
        self.recv_async().await.ok()
    }
}
