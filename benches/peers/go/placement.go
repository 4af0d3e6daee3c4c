package main

// Work that ought to use every core.

import (
	"sync"
	"time"
)

var placementWorkloads = []workload{
	{"pool_2_0", 2_000, middle(func(n int) time.Duration { return pool(2, 0, n) })},
	{"pool_2_4", 2_000, middle(func(n int) time.Duration { return pool(2, 4, n) })},
	{"pool_2_64", 2_000, middle(func(n int) time.Duration { return pool(2, 64, n) })},
	{"pool_4_0", 2_000, middle(func(n int) time.Duration { return pool(4, 0, n) })},
	{"pool_4_4", 2_000, middle(func(n int) time.Duration { return pool(4, 4, n) })},
	{"pool_4_64", 2_000, middle(func(n int) time.Duration { return pool(4, 64, n) })},
	{"pool_8_0", 2_000, middle(func(n int) time.Duration { return pool(8, 0, n) })},
	{"pool_8_4", 2_000, middle(func(n int) time.Duration { return pool(8, 4, n) })},
	{"pool_8_64", 2_000, middle(func(n int) time.Duration { return pool(8, 64, n) })},
	{"children_50us", 1_000, middle(func(n int) time.Duration { return children(50*time.Microsecond, n) })},
	{"children_5ms", 20, middle(func(n int) time.Duration { return children(5*time.Millisecond, n) })},
	{"handlers_1000", 500_000, middle(handlers)},
	{"rw_pairs", 2_000_000, middle(rwPairs)},
}

// Goroutines that wait for jobs, and their parent, which then hands jobs out.
func pool(goroutines, capacity, jobs int) time.Duration {
	job := lasting(50 * time.Microsecond)
	c := make(chan work, capacity)
	var ready, done sync.WaitGroup
	for range goroutines {
		ready.Add(1)
		done.Add(1)
		go func() {
			ready.Done()
			for job := range c {
				job.run()
			}
			done.Done()
		}()
	}
	ready.Wait()
	return timed(func() {
		for range jobs {
			c <- job
		}
		close(c)
		done.Wait()
	})
}

// Again and again, two goroutines that compute for so long, and their parent waits.
func children(long time.Duration, pairs int) time.Duration {
	work := lasting(long)
	return timed(func() {
		for range pairs {
			var done sync.WaitGroup
			for range 2 {
				done.Go(work.run)
			}
			done.Wait()
		}
	})
}

// 1000 goroutines that wait at once, each for its own messages; their parent sends one
// to each in turn, and hears all the answers before the next turn.
func handlers(messages int) time.Duration {
	const goroutines = 1000
	answers := make(chan int, goroutines)
	var senders [goroutines]chan int
	for i := range senders {
		c := make(chan int, 1)
		senders[i] = c
		go func() {
			for message := range c {
				answers <- message
			}
		}()
	}
	defer func() {
		for _, sender := range senders {
			close(sender)
		}
	}()
	return timed(func() {
		for turn := range (messages + goroutines - 1) / goroutines {
			for _, sender := range senders {
				sender <- turn
			}
			for range senders {
				if <-answers != turn {
					panic("an answer was lost")
				}
			}
		}
	})
}

// 8 pairs of a reader and a writer, each over a channel of its own.
func rwPairs(messages int) time.Duration {
	const pairs = 8
	each := (messages + pairs - 1) / pairs
	return timed(func() {
		var readers sync.WaitGroup
		for range pairs {
			c := make(chan int, 16)
			go sendAll(c, each, func() { close(c) })
			readers.Go(func() {
				if count(c) != each {
					panic("a message was lost")
				}
			})
		}
		readers.Wait()
	})
}
