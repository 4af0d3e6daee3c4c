package main

// Switching and spawning.

import (
	"runtime"
	"sync"
	"time"
)

var coreWorkloads = []workload{
	{"yield_1", 1_000_000, best(func(n int) time.Duration { return yields(1, n) })},
	{"yield_100", 2_000_000, best(func(n int) time.Duration { return yields(100, n) })},
	{"spawn", 1_000_000, best(spawn)},
	{"spawn_join", 200_000, best(spawnJoin)},
	{"scope_1", 200_000, best(func(n int) time.Duration { return groups(1, n) })},
	{"scope_100", 1_000_000, best(func(n int) time.Duration { return groups(100, n) })},
	{"scope_1m", 1_000_000, best(func(n int) time.Duration { return groups(n, n) })},
	{"group_1", 200_000, best(func(n int) time.Duration { return groups(1, n) })},
	{"group_100", 1_000_000, best(func(n int) time.Duration { return groups(100, n) })},
	{"group_1m", 1_000_000, best(func(n int) time.Duration { return groups(n, n) })},
	{"fib_22", 28_656, best(fib22)},
	{"skynet", 1_111_111, best(skynet)},
}

// n yields, spread over so many goroutines.
func yields(goroutines, n int) time.Duration {
	bodies := make([]func(), goroutines)
	for i := range bodies {
		bodies[i] = func() {
			for range n / goroutines {
				runtime.Gosched()
			}
		}
	}
	return allAtOnce(bodies)
}

// n empty goroutines, all waited for at the end.
func spawn(n int) time.Duration {
	return timed(func() {
		var done sync.WaitGroup
		for range n {
			done.Add(1)
			go done.Done()
		}
		done.Wait()
	})
}

// One goroutine after another, each waited for.
func spawnJoin(n int) time.Duration {
	return timed(func() {
		for i := range n {
			result := make(chan int)
			go func() { result <- i }()
			<-result
		}
	})
}

// Wait groups of so many goroutines each, one after the other, and in all n goroutines. (For groups
// that fail there is errgroup, which is not part of Go; it does this, and a little more.)
func groups(each, n int) time.Duration {
	return timed(func() {
		for range n / each {
			var group sync.WaitGroup
			for range each {
				group.Go(func() {})
			}
			group.Wait()
		}
	})
}

// fib(22), or the first number that takes as many goroutines as asked for.
func fib22(spawns int) time.Duration {
	n := 1
	// fib(n) makes one goroutine less than fib(n + 1) is.
	for now, next := 1, 1; next-1 < spawns; now, next = next, now+next {
		n++
	}
	return timed(func() { fib(n) })
}

// Every call but the last ones spawns one of its two and waits for it.
func fib(n int) int {
	if n < 2 {
		return n
	}
	other := make(chan int)
	go func() { other <- fib(n - 2) }()
	return fib(n-1) + <-other
}

// A 10-ary tree of at most so many goroutines counts its leaves.
func skynet(goroutines int) time.Duration {
	leaves := 1
	for leaves*100/9 <= goroutines {
		leaves *= 10
	}
	return timed(func() {
		count := make(chan int)
		go node(count, leaves)
		if <-count != leaves {
			panic("a leaf was lost")
		}
	})
}

func node(parent chan<- int, leaves int) {
	if leaves == 1 {
		parent <- 1
		return
	}
	counts := make(chan int)
	for range 10 {
		go node(counts, leaves/10)
	}
	sum := 0
	for range 10 {
		sum += <-counts
	}
	parent <- sum
}
