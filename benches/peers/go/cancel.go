package main

// What deadlines cost while they are kept, and what it costs to end what waits: by contexts.

import (
	"context"
	"sync"
	"time"
)

var cancelWorkloads = []workload{
	{"timeout_empty", 2_000_000, best(timeoutEmpty)},
	{"chan_0_timeout", 1_000_000, best(chan0Timeout)},
	{"cancel_100k", 100_000, best(cancel100k)},
}

func timeoutEmpty(times int) time.Duration {
	return timed(func() {
		for range times {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			if ctx.Err() != nil {
				panic("an hour is over")
			}
			cancel()
		}
	})
}

// As chan_0, with an hour for each receipt.
func chan0Timeout(messages int) time.Duration {
	return timed(func() {
		c := make(chan int)
		go sendAll(c, messages, func() { close(c) })
		for range messages {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			select {
			case <-c:
			case <-ctx.Done():
				panic("an hour is over")
			}
			cancel()
		}
	})
}

// So many goroutines that wait are told to end, and waited for: each has a context of its own,
// as each of our threads is cancelled by itself.
func cancel100k(goroutines int) time.Duration {
	var ready, ended sync.WaitGroup
	never := make(chan struct{})
	cancels := make([]context.CancelFunc, goroutines)
	ready.Add(goroutines)
	ended.Add(goroutines)
	for i := range cancels {
		ctx, cancel := context.WithCancel(context.Background())
		cancels[i] = cancel
		go func() {
			defer ended.Done()
			ready.Done()
			select {
			case <-never:
			case <-ctx.Done():
			}
		}()
	}
	ready.Wait()
	return timed(func() {
		for _, cancel := range cancels {
			cancel()
		}
		ended.Wait()
	})
}
