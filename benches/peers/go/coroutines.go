package main

// Coroutines: the runtime has them, for iter.Pull. They take no values in: there is no
// `coroutine_value`. Nor `coroutine_delegate`: one sequence within another is a call, and both are
// one coroutine; nor `coroutine_transfer`.

import (
	"fmt"
	"iter"
	"time"
)

var coroutineWorkloads = []workload{
	{"coroutine_resume", 2_000_000, best(resume)},
	{"coroutine_create", 1_000_000, best(create)},
	{"coroutine_new", 1_000_000, best(createOnly)},
	{"coroutine_1m", 1_000_000, second(func(n int) time.Duration {
		elapsed, end := suspend(n)
		end()
		return elapsed
	})},
	{"coroutine_1m_bytes", 1_000_000, suspendedBytes},
}

// So many numbers.
func counter(values int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for value := range values {
			if !yield(value) {
				return
			}
		}
	}
}

func resume(values int) time.Duration {
	return timed(func() {
		next, stop := iter.Pull(counter(values))
		defer stop()
		sum := 0
		for value, ok := next(); ok; value, ok = next() {
			sum += value
		}
		if sum != values*(values-1)/2 {
			panic("a value was lost")
		}
	})
}

// Coroutines that return at once.
func create(n int) time.Duration {
	return timed(func() {
		for range n {
			next, _ := iter.Pull(counter(0))
			if _, ok := next(); ok {
				panic("there is nothing to yield")
			}
		}
	})
}

// Coroutines that never run.
func createOnly(n int) time.Duration {
	return timed(func() {
		for range n {
			_, stop := iter.Pull(counter(0))
			stop()
		}
	})
}

// n that have yielded once: how long until the last one did, and their end.
func suspend(n int) (time.Duration, func()) {
	stops := make([]func(), 0, n)
	elapsed := timed(func() {
		for range n {
			next, stop := iter.Pull(counter(2))
			next()
			stops = append(stops, stop)
		}
	})
	return elapsed, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// Resident memory of n that are suspended, when as many have been there before.
func suspendedBytes(n int) string {
	before := resident()
	_, end := suspend(n)
	end()
	_, end = suspend(n)
	bytes := float64(resident()-before) / float64(n)
	end()
	return fmt.Sprintf("%.0f", bytes)
}
