package main

// What a goroutine costs that waits.

import (
	"fmt"
	"sync"
	"time"
)

var stackWorkloads = []workload{
	{"parked_1m", 1_000_000, second(func(n int) time.Duration {
		elapsed, end := park(n)
		end()
		return elapsed
	})},
	{"parked_1m_bytes", 1_000_000, parkedBytes},
}

// n goroutines that wait until the end: how long until the last one did, and the end.
func park(n int) (time.Duration, func()) {
	var begun, done sync.WaitGroup
	over := make(chan struct{})
	elapsed := timed(func() {
		for range n {
			begun.Add(1)
			done.Add(1)
			go func() {
				begun.Done()
				<-over
				done.Done()
			}()
		}
		begun.Wait()
	})
	return elapsed, func() {
		close(over)
		done.Wait()
	}
}

// Resident memory of n that wait, when as many have been there before.
func parkedBytes(n int) string {
	before := resident()
	_, end := park(n)
	end()
	_, end = park(n)
	bytes := float64(resident()-before) / float64(n)
	end()
	return fmt.Sprintf("%.0f", bytes)
}
