package main

// What deadlines cost while they are kept, and what it costs to end what waits: by contexts.

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var cancelWorkloads = []workload{
	{"timeout_empty", 2_000_000, best(timeoutEmpty)},
	{"chan_0_timeout", 1_000_000, best(chan0Timeout)},
	{"cancel_100k", 100_000, best(cancel100k)},
	{"dump_100k", 100_000, best(dump100k)},
	{"dump_100k_pause", 1, best(dumpPause)},
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

// So many goroutines that wait, once all do, and what ends them.
func waiting(goroutines int) func() {
	var ready, ended sync.WaitGroup
	never := make(chan struct{})
	ready.Add(goroutines)
	ended.Add(goroutines)
	for range goroutines {
		go func() {
			defer ended.Done()
			ready.Done()
			<-never
		}()
	}
	ready.Wait()
	return func() {
		close(never)
		ended.Wait()
	}
}

// They are told of, as text, as on SIGQUIT.
func dump100k(goroutines int) time.Duration {
	end := waiting(goroutines)
	defer end()
	text := make([]byte, 1<<28)
	return timed(func() {
		if runtime.Stack(text, true) < 1000*goroutines/10 {
			panic("it is too short")
		}
	})
}

// For how long a goroutine that has work to do is kept from it meanwhile.
func dumpPause(int) time.Duration {
	end := waiting(100_000)
	defer end()
	var over atomic.Bool
	longest := make(chan time.Duration)
	go func() {
		before, most := time.Now(), time.Duration(0)
		for !over.Load() {
			runtime.Gosched()
			now := time.Now()
			most = max(most, now.Sub(before))
			before = now
		}
		longest <- most
	}()
	text := make([]byte, 1<<28)
	runtime.Gosched()
	runtime.Stack(text, true)
	over.Store(true)
	return <-longest
}
