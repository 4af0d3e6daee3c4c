package main

// What a goroutine costs that waits.

import (
	"fmt"
	"sync"
	"time"
)

var stackWorkloads = []workload{
	{"parked_1m", 1_000_000, second(func(n int) time.Duration {
		elapsed, end := park(n, func() {})
		end()
		return elapsed
	})},
	{"parked_1m_bytes", 1_000_000, parkedBytes},
	{"burst_100k_bytes", 100_000, burstBytes},
}

// n goroutines that wait until the end: how long until the last one did, and the end.
func park(n int, first func()) (time.Duration, func()) {
	var begun, done sync.WaitGroup
	over := make(chan struct{})
	elapsed := timed(func() {
		for range n {
			begun.Add(1)
			done.Add(1)
			go func() {
				first()
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
	_, end := park(n, func() {})
	end()
	_, end = park(n, func() {})
	bytes := float64(resident()-before) / float64(n)
	end()
	return fmt.Sprintf("%.0f", bytes)
}

// Resident memory for each of n, 32 KiB deep, ten seconds (for a hundred thousand) after the last
// has ended.
func burstBytes(n int) string {
	before := resident()
	_, end := park(n, func() { deep(32) })
	end()
	time.Sleep(100 * time.Microsecond * time.Duration(n))
	return fmt.Sprintf("%.0f", max(0, float64(resident())-float64(before))/float64(n))
}

//go:noinline
func deep(levels int) byte {
	var frame [1024]byte
	frame[levels] = byte(levels)
	if levels == 0 {
		return frame[0]
	}
	return frame[levels] + deep(levels-1)
}
