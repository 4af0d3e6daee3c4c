package main

// How long goroutines wait for a turn, and what waiting costs. No thread is outside Go's
// runtime: who spawns and wakes here is a goroutine that sleeps in between.

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var latencyWorkloads = []workload{
	{"latency_idle", 2_000, delays(latency)},
	{"latency_busy", 2_000, delays(latencyBusy)},
	{"hog_fresh", 500, delays(func(n int) []time.Duration { fresh, _ := hog(n); return fresh })},
	{"hog_started", 500, delays(func(n int) []time.Duration { _, started := hog(n); return started })},
	{"idle_cpu", 10_000, load(idleCPU)},
	{"wakes_8000", 5_000, load(wakes8000)},
}

// From a spawn to the goroutine's first instruction, once a millisecond.
func latency(times int) []time.Duration {
	delays := make(chan time.Duration, times)
	atIntervals(time.Millisecond, times, func(int) { spawnTimer(delays) })
	return received(delays)
}

// The same while every processor has goroutines that compute for 20 µs between yields.
func latencyBusy(times int) (delays []time.Duration) {
	beside(4**workers, 20*time.Microsecond, func() { delays = latency(times) })
	return delays
}

// Beside a goroutine that computes for 100 ms at a time, as long as goroutines are
// spawned and woken: how long so many fresh ones wait from their spawn to their first
// instruction, and as many started ones from a send to its receipt.
func hog(times int) (fresh, started []time.Duration) {
	freshDelays := make(chan time.Duration, times)
	startedDelays := make(chan time.Duration, times)
	wakes := make([]chan time.Time, times)
	ready := make(chan struct{}, times)
	for i := range wakes {
		wake := make(chan time.Time, 1)
		wakes[i] = wake
		go func() {
			ready <- struct{}{}
			startedDelays <- time.Since(<-wake)
		}()
	}
	for range wakes {
		<-ready
	}
	beside(1, 100*time.Millisecond, func() {
		atIntervals(2*time.Millisecond, times, func(i int) {
			spawnTimer(freshDelays)
			wakes[i] <- time.Now()
		})
	})
	return received(freshDelays), received(startedDelays)
}

// CPU time of ten thousand goroutines that wait for what never comes.
func idleCPU() (work func(time.Duration), tearDown func()) {
	const goroutines = 10_000
	ready := make(chan struct{}, goroutines)
	end := make(chan struct{})
	for range goroutines {
		go func() {
			ready <- struct{}{}
			<-end
		}()
	}
	for range goroutines {
		<-ready
	}
	return time.Sleep, func() { close(end) }
}

// CPU time of one goroutine that is woken 8000 times a second, and of whoever wakes it:
// for once a thread of its own in a system call, since Go's timers are of a millisecond
// when nothing else is to do, and would wake it eight times in a row.
func wakes8000() (work func(time.Duration), tearDown func()) {
	const period = 125 * time.Microsecond
	wake := make(chan struct{}, 1)
	go func() {
		for range wake {
		}
	}()
	work = func(long time.Duration) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		start := time.Now()
		for next := period; next <= long; next += period {
			wake <- struct{}{}
			if left := next - time.Since(start); left > 0 {
				request := syscall.NsecToTimespec(left.Nanoseconds())
				_ = syscall.Nanosleep(&request, nil) // Woken early is as good.
			}
		}
	}
	return work, func() { close(wake) }
}

// Spawns a goroutine that says how long it waited for its first turn.
func spawnTimer(delays chan<- time.Duration) {
	spawned := time.Now()
	go func() { delays <- time.Since(spawned) }()
}

// As many as the channel holds.
func received(c <-chan time.Duration) []time.Duration {
	delays := make([]time.Duration, cap(c))
	for i := range delays {
		delays[i] = <-c
	}
	return delays
}

// Calls tick so many times, a period apart; late ones catch up.
func atIntervals(period time.Duration, times int, tick func(int)) {
	start := time.Now()
	for i := range times {
		tick(i)
		time.Sleep(time.Until(start.Add(period * time.Duration(i+1))))
	}
}

// Does it beside so many goroutines that compute for one turn between yields.
func beside(goroutines int, turn time.Duration, it func()) {
	work := lasting(turn)
	var done atomic.Bool
	var ready, ended sync.WaitGroup
	for range goroutines {
		ready.Add(1)
		ended.Go(func() {
			ready.Done()
			for !done.Load() {
				work.run()
				runtime.Gosched()
			}
		})
	}
	ready.Wait()
	it()
	done.Store(true)
	ended.Wait()
}
