// The workloads of `cargo xtask bench`, in Go.
//
//	go-figures [workload]...
//
// prints a line "workload<TAB>nanoseconds per operation" for each, the best of five
// tries. GOMAXPROCS says on how many processors.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

const tries = 5

type workload struct {
	name       string
	operations int
	// Does so many operations, setting up included.
	run func(operations int)
}

var workloads = []workload{
	{"yield_1", 2_000_000, func(n int) { yield(1, n) }},
	{"yield_100", 2_000_000, func(n int) { yield(100, n) }},
	{"spawn", 1_000_000, spawn},
	{"spawn_join", 500_000, spawnJoin},
	{"rendezvous", 500_000, rendezvous},
	{"chan_0", 1_000_000, func(n int) { channel(0, n) }},
	{"chan_1", 1_000_000, func(n int) { channel(1, n) }},
	{"chan_128", 5_000_000, func(n int) { channel(128, n) }},
	{"ring_1000", 1_000_000, func(n int) { ring(1000, n) }},
	{"fib_22", fibSpawns(22), func(int) { fib(22) }},
	{"mutex", 10_000_000, mutex},
}

func main() {
	chosen := os.Args[1:]
	for _, name := range chosen {
		if !known(name) {
			fmt.Fprintf(os.Stderr, "no workload %q\n", name)
			os.Exit(2)
		}
	}
	for _, w := range workloads {
		if len(chosen) > 0 && !contains(chosen, w.name) {
			continue
		}
		best := time.Duration(1<<63 - 1)
		for i := 0; i < tries; i++ {
			start := time.Now()
			w.run(w.operations)
			best = min(best, time.Since(start))
		}
		fmt.Printf("%s\t%.2f\n", w.name, float64(best.Nanoseconds())/float64(w.operations))
	}
}

func known(name string) bool {
	for _, w := range workloads {
		if w.name == name {
			return true
		}
	}
	return false
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

// n yields, spread over so many goroutines.
func yield(goroutines, n int) {
	var done sync.WaitGroup
	done.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go func() {
			for j := 0; j < n/goroutines; j++ {
				runtime.Gosched()
			}
			done.Done()
		}()
	}
	done.Wait()
}

// n empty goroutines, all waited for at the end.
func spawn(n int) {
	var done sync.WaitGroup
	done.Add(n)
	for i := 0; i < n; i++ {
		go done.Done()
	}
	done.Wait()
}

// One goroutine after another, each waited for.
func spawnJoin(n int) {
	for i := 0; i < n; i++ {
		result := make(chan int)
		go func() { result <- i }()
		<-result
	}
}

// n round trips of one pair over two unbuffered channels.
func rendezvous(n int) {
	there, back := make(chan int), make(chan int)
	go func() {
		for value := range there {
			back <- value
		}
		close(back)
	}()
	for i := 0; i < n; i++ {
		there <- i
		<-back
	}
	close(there)
	<-back
}

// n messages from one goroutine to another.
func channel(capacity, n int) {
	c := make(chan int, capacity)
	go func() {
		for i := 0; i < n; i++ {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for value := range c {
		sum += value
	}
	if sum != n*(n-1)/2 {
		panic("a message was lost")
	}
}

// A token makes n hops around a ring of goroutines.
func ring(goroutines, n int) {
	first := make(chan int)
	left := first
	for i := 0; i < goroutines; i++ {
		right := make(chan int)
		go func(left, right chan int) {
			for token := range left {
				right <- token
			}
			close(right)
		}(left, right)
		left = right
	}
	for round := 0; round < n/goroutines; round++ {
		first <- round
		<-left
	}
	close(first)
	<-left
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

// How many goroutines that makes, each of which is an operation.
func fibSpawns(n int) int {
	if n < 2 {
		return 0
	}
	return 1 + fibSpawns(n-1) + fibSpawns(n-2)
}

// Lock and unlock, with nobody else about.
func mutex(n int) {
	var lock sync.Mutex
	value := 0
	for i := 0; i < n; i++ {
		lock.Lock()
		value++
		lock.Unlock()
	}
	if value != n {
		panic("an increment was lost")
	}
}
