package main

// Deadlines: what they cost, met or not, and how late they are met.

import (
	"sync"
	"time"
)

var timerWorkloads = []workload{
	{"sleepers_100k", 100_000, best(sleepers)},
	{"timers_1m", 1_000_000, best(func(n int) time.Duration { return setAndCancelled(0, n) })},
	{"timers_1m_deep", 1_000_000, best(func(n int) time.Duration { return setAndCancelled(100_000, n) })},
	{"timer_lateness_idle", 2_000, delays(lateness)},
	{"timer_lateness_busy", 2_000, delays(latenessBusy)},
}

// So many goroutines that sleep for 1 to 100 ms at the same time: CPU time, since the time
// on the clock is mostly what they were told to sleep.
func sleepers(goroutines int) time.Duration {
	before := cpuTime()
	var done sync.WaitGroup
	for i := range goroutines {
		done.Go(func() { time.Sleep(time.Duration(1+i%100) * time.Millisecond) })
	}
	done.Wait()
	return cpuTime() - before
}

// 1000 pairs share the times: one waits for an hour at most, and the other answers soon.
// Meanwhile so many goroutines wait for as long in vain. The timer is made once for each
// loop, and set anew, as Go's users do where it matters.
func setAndCancelled(beside, times int) time.Duration {
	const pairs = 1000
	end := make(chan struct{})
	var ready, waiting sync.WaitGroup
	for range beside {
		ready.Add(1)
		waiting.Go(func() {
			timer := time.NewTimer(time.Hour)
			ready.Done()
			select {
			case <-end:
				timer.Stop()
			case <-timer.C:
				panic("an hour")
			}
		})
	}
	ready.Wait()
	bodies := make([]func(), pairs)
	for i := range bodies {
		answers := make(chan int)
		bodies[i] = func() {
			go func() {
				for i := range times / pairs {
					answers <- i
				}
			}()
			timer := time.NewTimer(time.Hour)
			for i := range times / pairs {
				timer.Reset(time.Hour)
				select {
				case answer := <-answers:
					if answer != i {
						panic("another's answer")
					}
				case <-timer.C:
					panic("an hour")
				}
				timer.Stop()
			}
		}
	}
	elapsed := allAtOnce(bodies)
	close(end)
	waiting.Wait()
	return elapsed
}

// How much longer than a millisecond a sleep of one takes, one after the other.
func lateness(times int) []time.Duration {
	late := make([]time.Duration, times)
	for i := range late {
		start := time.Now()
		time.Sleep(time.Millisecond)
		late[i] = time.Since(start) - time.Millisecond
	}
	return late
}

// The same while every processor has goroutines that compute for 20 µs between yields.
func latenessBusy(times int) (late []time.Duration) {
	beside(4**workers, 20*time.Microsecond, func() { late = lateness(times) })
	return late
}
