// The workloads of `cargo xtask bench`, in Go.
//
//	go-figures [--workers N] [--test] [--list] [workload]...
//
// prints a line "workload<TAB>value" for each, or "workload<TAB>median<TAB>tail" for
// delays; benches/common/measure.rs says what they are, and measures in the same way.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

type workload struct {
	name       string
	operations int
	// What to print after this many operations.
	figure func(operations int) string
}

var workers = flag.Int("workers", runtime.NumCPU(), "how many processors")
var test = flag.Bool("test", false, "only see whether everything runs")
var list = flag.Bool("list", false, "print the names of the workloads")

func main() {
	flag.Parse()
	runtime.GOMAXPROCS(*workers)
	workloads := slices.Concat(coreWorkloads, lockWorkloads, channelWorkloads, placementWorkloads,
		latencyWorkloads, cancelWorkloads, stackWorkloads, timerWorkloads,
		coroutineWorkloads)
	for _, name := range flag.Args() {
		if !slices.ContainsFunc(workloads, func(w workload) bool { return w.name == name }) {
			fmt.Fprintf(os.Stderr, "no workload %q\n", name)
			os.Exit(2)
		}
	}
	for _, w := range workloads {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), w.name) {
			continue
		}
		if *list {
			fmt.Println(w.name)
			continue
		}
		operations := w.operations
		if *test {
			operations = (operations + 999) / 1000
		}
		fmt.Printf("%s\t%s\n", w.name, w.figure(operations))
	}
}

// Nanoseconds an operation, the best of five.
func best(run func(operations int) time.Duration) func(int) string {
	return func(operations int) string { return fmt.Sprintf("%.2f", tries(run, operations)[0]) }
}

// Nanoseconds an operation, the middle of five.
func middle(run func(operations int) time.Duration) func(int) string {
	return func(operations int) string {
		tries := tries(run, operations)
		return fmt.Sprintf("%.2f", tries[len(tries)/2])
	}
}

func tries(run func(operations int) time.Duration, operations int) []float64 {
	times := make([]float64, 5)
	if *test {
		times = times[:1]
	}
	for i := range times {
		times[i] = float64(run(operations).Nanoseconds()) / float64(operations)
	}
	slices.Sort(times)
	return times
}

// Nanoseconds an operation, the second time.
func second(run func(operations int) time.Duration) func(int) string {
	return func(operations int) string {
		run(operations)
		return fmt.Sprintf("%.2f", float64(run(operations).Nanoseconds())/float64(operations))
	}
}

// Bytes of memory that this process has, of the system's.
func resident() int {
	var size, pages int
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	if _, err := fmt.Sscan(string(statm), &size, &pages); err != nil {
		panic(err)
	}
	return pages * 4096
}

// So many delays, in nanoseconds: their median and their 99.9th percentile.
func delays(run func(times int) []time.Duration) func(int) string {
	return func(times int) string {
		delays := run(times)
		slices.SortFunc(delays, cmp.Compare)
		rank := func(share float64) int64 {
			return delays[int(math.Ceil(float64(len(delays))*share))-1].Nanoseconds()
		}
		return fmt.Sprintf("%d\t%d", rank(0.5), rank(0.999))
	}
}

// CPU time over so many milliseconds, in percent of one core.
func load(setUp func() (work func(time.Duration), tearDown func())) func(int) string {
	return func(milliseconds int) string {
		work, tearDown := setUp()
		before := cpuTime()
		elapsed := timed(func() { work(time.Duration(milliseconds) * time.Millisecond) })
		used := cpuTime() - before
		tearDown()
		return fmt.Sprintf("%.3f", 100*used.Seconds()/elapsed.Seconds())
	}
}

// What the one that got least got of all, in so many milliseconds, in percent.
func share(turns func(time.Duration) []int) func(int) string {
	return func(milliseconds int) string {
		turns := turns(time.Duration(max(milliseconds, 100)) * time.Millisecond)
		sum := 0
		for _, turns := range turns {
			sum += turns
		}
		return fmt.Sprintf("%.3f", 100*float64(slices.Min(turns))/float64(sum))
	}
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func timed(work func()) time.Duration {
	start := time.Now()
	work()
	return time.Since(start)
}

// Runs a goroutine for each body; the clock starts when all of them run.
func allAtOnce(bodies []func()) time.Duration {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for _, body := range bodies {
		ready.Add(1)
		done.Add(1)
		go func() {
			ready.Done()
			<-start
			body()
			done.Done()
		}()
	}
	ready.Wait()
	return timed(func() {
		close(start)
		done.Wait()
	})
}

// Pure computing: dependent multiplications, so many.
type work uint64

// About so long; and, unlike lasting, as much in every program.
const microsecond = work(1000)

var sink uint64

func (w work) run() {
	x := uint64(1)
	for i := range uint64(w) {
		x = (x ^ i) * 0x5851_f42d_4c95_7f2d
	}
	// Never so, but the compiler cannot know.
	if x == 42 {
		sink = x
	}
}

// In one nanosecond: the best of many, for the machine may be doing something else.
var workPerNanosecond = sync.OnceValue(func() float64 {
	const sample = 50_000
	best := time.Duration(math.MaxInt64)
	for range 50 {
		best = min(best, timed(work(sample).run))
	}
	return sample / float64(best.Nanoseconds())
})

// About so long, when nothing else is on the core.
func lasting(long time.Duration) work {
	return work(float64(long.Nanoseconds()) * workPerNanosecond())
}
