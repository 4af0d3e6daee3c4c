package main

// Locks: wanted by nobody else, and by many at a time.

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var lockWorkloads = []workload{
	{"mutex", 10_000_000, best(mutex)},
	{"mutex_8_short", 4_000_000, middle(func(n int) time.Duration { return contended(8, 0, n) })},
	{"mutex_1000_short", 4_000_000, middle(func(n int) time.Duration { return contended(1000, 0, n) })},
	{"mutex_8_long", 200_000, middle(func(n int) time.Duration { return contended(8, microsecond, n) })},
	{"mutex_1000_long", 200_000, middle(func(n int) time.Duration { return contended(1000, microsecond, n) })},
	{"mutex_fairness", 1_000, share(fairness)},
	{"rwlock_1_100", 2_000_000, middle(rwlock)},
	{"condvar_ping_pong", 200_000, best(pingPong)},
	{"semaphore_10_1000", 500_000, best(semaphore)},
	{"wait_group_1m", 1_000_000, best(waitGroup)},
}

// Lock and unlock, with nobody else about.
func mutex(n int) time.Duration {
	var lock sync.Mutex
	value := 0
	time := timed(func() {
		for range n {
			lock.Lock()
			value++
			lock.Unlock()
		}
	})
	if value != n {
		panic("an increment was lost")
	}
	return time
}

// So many goroutines on one lock, with nothing else to do.
func contended(goroutines int, section work, n int) time.Duration {
	each := (n + goroutines - 1) / goroutines
	var lock sync.Mutex
	value := 0
	bodies := make([]func(), goroutines)
	for i := range bodies {
		bodies[i] = func() {
			for range each {
				lock.Lock()
				if section > 0 {
					section.run()
				}
				value++
				lock.Unlock()
			}
		}
	}
	time := allAtOnce(bodies)
	if value != goroutines*each {
		panic("an increment was lost")
	}
	return time
}

// 8 goroutines on one lock, each for a microsecond at a time: how often each gets it.
func fairness(long time.Duration) []int {
	var lock sync.Mutex
	value := 0
	var done atomic.Bool
	var ended sync.WaitGroup
	turns := make([]int, 8)
	for i := range turns {
		ended.Go(func() {
			own := 0
			for ; !done.Load(); own++ {
				lock.Lock()
				microsecond.run()
				value++
				lock.Unlock()
			}
			turns[i] = own
		})
	}
	time.Sleep(long)
	done.Store(true)
	ended.Wait()
	return turns
}

// 8 goroutines that read a hundred times for each time that they write.
func rwlock(n int) time.Duration {
	const goroutines = 8
	each := (n + goroutines - 1) / goroutines
	var lock sync.RWMutex
	value := 0
	var reads [goroutines]int
	bodies := make([]func(), goroutines)
	for goroutine := range bodies {
		bodies[goroutine] = func() {
			sum := 0
			for i := range each {
				// Not all of them at the same time.
				if i%101 == 13*goroutine {
					lock.Lock()
					value++
					lock.Unlock()
				} else {
					lock.RLock()
					sum += value
					lock.RUnlock()
				}
			}
			reads[goroutine] = sum
		}
	}
	return allAtOnce(bodies)
}

// Two take turns.
func pingPong(trips int) time.Duration {
	var lock sync.Mutex
	changed := sync.NewCond(&lock)
	turn := 0
	bodies := make([]func(), 2)
	for player := range bodies {
		bodies[player] = func() {
			for range trips {
				lock.Lock()
				for turn%2 != player {
					changed.Wait()
				}
				turn++
				lock.Unlock()
				changed.Signal()
			}
		}
	}
	return allAtOnce(bodies)
}

// 1000 goroutines share 10 permits, places in a channel; each keeps its own across a yield.
func semaphore(n int) time.Duration {
	const goroutines = 1000
	permits := make(chan struct{}, 10)
	bodies := make([]func(), goroutines)
	for i := range bodies {
		bodies[i] = func() {
			for range (n + goroutines - 1) / goroutines {
				permits <- struct{}{}
				runtime.Gosched()
				<-permits
			}
		}
	}
	return allAtOnce(bodies)
}

// 8 goroutines each add so many members between them, and then take them away.
func waitGroup(members int) time.Duration {
	const goroutines = 8
	each := (members + goroutines - 1) / goroutines
	return timed(func() {
		var group sync.WaitGroup
		for range goroutines {
			group.Go(func() {
				for range each {
					group.Add(1)
				}
				for range each {
					group.Done()
				}
			})
		}
		group.Wait()
	})
}
