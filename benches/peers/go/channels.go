package main

// Values handed from goroutine to goroutine.

import (
	"slices"
	"sync"
	"time"
)

var channelWorkloads = []workload{
	{"rendezvous", 500_000, best(func(n int) time.Duration { return roundTrips(1, n) })},
	{"pairs_100", 500_000, best(func(n int) time.Duration { return roundTrips(100, n) })},
	{"chan_0", 1_000_000, best(func(n int) time.Duration { return toOne(1, 0, n) })},
	{"chan_1", 1_000_000, best(func(n int) time.Duration { return toOne(1, 1, n) })},
	{"chan_128", 2_000_000, best(func(n int) time.Duration { return toOne(1, 128, n) })},
	{"chan_4_1_128", 2_000_000, best(func(n int) time.Duration { return toOne(4, 128, n) })},
	{"chan_4_4_0", 1_000_000, best(func(n int) time.Duration { return manyToMany(4, 0, n) })},
	{"chan_4_4_128", 2_000_000, best(func(n int) time.Duration { return manyToMany(4, 128, n) })},
	{"chan_100_100_16", 1_000_000, best(func(n int) time.Duration { return manyToMany(100, 16, n) })},
	{"chan_crowd_4", 1_000_000, best(func(n int) time.Duration { return manyToMany(2, 16, n) })},
	{"chan_crowd_1000", 1_000_000, best(func(n int) time.Duration { return manyToMany(500, 16, n) })},
	{"select_4", 1_000_000, best(selects)},
	{"ring_1000", 500_000, best(ring)},
	{"sieve", 500, best(sieve)},
	{"for_each", 1_000_000, best(forEach)},
	{"oneshot", 2_000_000, best(oneshot)},
}

// So many pairs share the trips, each over two unbuffered channels of its own.
func roundTrips(pairs, trips int) time.Duration {
	each := (trips + pairs - 1) / pairs
	bodies := make([]func(), pairs)
	for i := range bodies {
		there, back := make(chan int), make(chan int)
		go func() {
			for value := range there {
				back <- value
			}
		}()
		bodies[i] = func() {
			for i := range each {
				there <- i
				<-back
			}
			close(there)
		}
	}
	return allAtOnce(bodies)
}

// So many senders, and their parent receives.
func toOne(senders, capacity, messages int) time.Duration {
	each := (messages + senders - 1) / senders
	return timed(func() {
		c := make(chan int, capacity)
		var sending sync.WaitGroup
		for range senders {
			sending.Add(1)
			go sendAll(c, each, sending.Done)
		}
		go func() {
			sending.Wait()
			close(c)
		}()
		if count(c) != senders*each {
			panic("a message was lost")
		}
	})
}

// So many senders and as many receivers on one channel.
func manyToMany(goroutines, capacity, messages int) time.Duration {
	each := (messages + goroutines - 1) / goroutines
	return timed(func() {
		c := make(chan int, capacity)
		var sending sync.WaitGroup
		counts := make(chan int, goroutines)
		for range goroutines {
			go func() { counts <- count(c) }()
		}
		for range goroutines {
			sending.Add(1)
			go sendAll(c, each, sending.Done)
		}
		sending.Wait()
		close(c)
		received := 0
		for range goroutines {
			received += <-counts
		}
		if received != goroutines*each {
			panic("a message was lost")
		}
	})
}

func sendAll(c chan<- int, messages int, done func()) {
	for i := range messages {
		c <- i
	}
	done()
}

func count(c <-chan int) int {
	count := 0
	for range c {
		count++
	}
	return count
}

// 4 senders, each on an unbuffered channel of its own, and one that selects over them.
func selects(messages int) time.Duration {
	each := (messages + 3) / 4
	return timed(func() {
		var channels [4]chan int
		for i := range channels {
			channels[i] = make(chan int)
			go sendAll(channels[i], each, func() {})
		}
		sum := 0
		for range 4 * each {
			select {
			case i := <-channels[0]:
				sum += i
			case i := <-channels[1]:
				sum += i
			case i := <-channels[2]:
				sum += i
			case i := <-channels[3]:
				sum += i
			}
		}
		if sum != 2*each*(each-1) {
			panic("a message was lost")
		}
	})
}

// A token makes so many hops around a ring of 1000 goroutines.
func ring(hops int) time.Duration {
	const goroutines = 1000
	first := make(chan int)
	last := first
	for range goroutines {
		left, right := last, make(chan int)
		go func() {
			for token := range left {
				right <- token
			}
			close(right)
		}()
		last = right
	}
	time := timed(func() {
		for round := range (hops + goroutines - 1) / goroutines {
			first <- round
			<-last
		}
	})
	close(first)
	<-last
	return time
}

// So many primes: a goroutine for each passes on what its own does not divide.
func sieve(primes int) time.Duration {
	last := nthPrime(primes)
	return timed(func() {
		first := make(chan int)
		go func() {
			for n := 2; n <= last; n++ {
				first <- n
			}
			close(first)
		}()
		found := 0
		for numbers := first; ; found++ {
			prime, ok := <-numbers
			if !ok {
				break
			}
			left := make(chan int)
			go filter(numbers, left, prime)
			numbers = left
		}
		if found != primes {
			panic("a prime was lost")
		}
	})
}

func filter(numbers <-chan int, left chan<- int, prime int) {
	for n := range numbers {
		if n%prime != 0 {
			left <- n
		}
	}
	close(left)
}

// Where a sieve for so many primes ends.
func nthPrime(nth int) int {
	last := 1
	var primes []int
	for len(primes) < nth {
		last++
		if !slices.ContainsFunc(primes, func(prime int) bool { return last%prime == 0 }) {
			primes = append(primes, last)
		}
	}
	return last
}

// One sender, and 8 goroutines for what it sends, with next to nothing to do.
func forEach(messages int) time.Duration {
	return timed(func() {
		c := make(chan int, 128)
		var working sync.WaitGroup
		for range 8 {
			working.Go(func() { count(c) })
		}
		go sendAll(c, messages, func() { close(c) })
		working.Wait()
	})
}

// A channel for each value, which is there when it is received.
func oneshot(n int) time.Duration {
	return timed(func() {
		for i := range n {
			c := make(chan int, 1)
			c <- i
			if <-c != i {
				panic("another value")
			}
		}
	})
}
