//! `go!`: what each form runs, what it evaluates where, and how often.

use std::cell::RefCell;
use std::num::ParseIntError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use sward::go;

fn add(a: u32, b: u32) -> u32 {
    a + b
}

fn task(value: u32) -> impl FnOnce() -> u32 + Send + 'static {
    move || value
}

fn name() -> Option<String> {
    sward::current().name().map(str::to_owned)
}

/// Joins; a panic in the thread fails the test.
macro_rules! join {
    ($handle:expr) => {
        $handle.join().expect("the thread panicked")
    };
}

mod closures {
    use super::*;

    #[test]
    fn with_and_without_move() {
        let text = String::from("x");
        assert_eq!(join!(go!(move || text.len())), 1);
        assert_eq!(join!(go!(|| 1)), 1);
        assert_eq!(
            join!(go!(move || -> Result<u32, ParseIntError> {
                let number: u32 = "7".parse()?;
                Ok(number)
            })),
            Ok(7)
        );
    }

    #[test]
    fn from_any_other_expression() {
        struct Job<F> {
            task: F,
        }
        macro_rules! make {
            ($value:expr) => {
                move || $value
            };
        }
        static TASK: fn() -> u32 = || 9;

        let variable = || 1;
        assert_eq!(join!(go!(variable)), 1);
        assert_eq!(
            join!(go!({
                let value = 2;
                move || value
            })),
            2
        );
        let first = variable() == 1;
        assert_eq!(join!(go!(if first { task(3) } else { task(4) })), 3);
        assert_eq!(
            join!(go!(match first {
                true => task(5),
                false => task(6),
            })),
            5
        );
        assert_eq!(join!(go!(make!(7))), 7);
        assert_eq!(join!(go!(Job { task: task(8) }.task)), 8);
        assert_eq!(join!(go!(&TASK)), 9);
        assert_eq!(join!(go!(Box::new(task(10)) as Box<dyn FnOnce() -> u32 + Send>)), 10);
    }

    #[test]
    fn from_a_call_in_parentheses() {
        assert_eq!(join!(go!((task(1)))), 1);
        assert_eq!(join!(go!(name = "w"; (task(2)))), 2);
    }
}

mod calls {
    use super::*;

    #[test]
    fn of_functions_and_paths() {
        assert_eq!(join!(go!(add(1, 2))), 3);
        assert_eq!(join!(go!(self::add(1, 2))), 3);
        assert_eq!(join!(go!(std::mem::size_of::<u64>())), 8);
        assert_eq!(join!(go!(<u32 as Default>::default())), 0);
        assert_eq!(join!(go!(Some(1))), Some(1));
        assert_eq!(join!(go!(add(1, 2),)), 3);
    }

    #[test]
    fn of_closures_in_variables() {
        let double = |x: u32| x * 2;
        assert_eq!(join!(go!(double(4))), 8);

        let mut calls = 0;
        let mut count = move |x: u32| {
            calls += x;
            calls
        };
        assert_eq!(join!(go!(count(4))), 4);

        let text = String::from("once");
        let once = move |more: &str| text + more;
        assert_eq!(join!(go!(once("!"))), "once!");
    }

    #[test]
    fn of_what_an_expression_gives() {
        struct Job<F> {
            f: F,
        }
        fn make() -> impl FnMut(u32) -> u32 + Send + 'static {
            let mut sum = 1;
            move |x| {
                sum += x;
                sum
            }
        }
        let job = Job { f: |x: u32| x + 1 };
        assert_eq!(join!(go!((make())(1))), 2);
        assert_eq!(join!(go!((job.f)(1))), 2);
        assert_eq!(join!(go!([add, u32::pow][1](3, 2))), 9);
    }

    #[test]
    fn of_methods() {
        struct Counter(u32);
        impl Counter {
            fn bump(&mut self, by: u32) -> u32 {
                self.0 += by;
                self.0
            }
            fn take(self) -> u32 {
                self.0
            }
        }
        let fixed = Counter(1);
        assert_eq!(join!(go!(fixed.bump(2))), 3);
        assert_eq!(join!(go!(Counter(4).take())), 4);
        assert_eq!(join!(go!(vec![3, 1, 2].into_iter().max())), Some(3));
        assert_eq!(join!(go!("a b".split(' ').collect::<Vec<_>>())), ["a", "b"]);
        let shared = Arc::new(Mutex::new(Counter(5)));
        assert!(!join!(go!(Arc::clone(&shared).is_poisoned())));
    }

    #[test]
    fn of_methods_on_statics_and_constants() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        const TEXT: &str = "constant";
        assert_eq!(join!(go!(CALLS.fetch_add(1, Ordering::Relaxed))), 0);
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
        assert_eq!(join!(go!(TEXT.len())), 8);
        assert_eq!(join!(go!(add(u32::MIN, u32::MAX))), u32::MAX);
    }

    #[test]
    fn run_in_the_new_thread() {
        assert_eq!(join!(go!(name = "w"; name())), Some("w".to_owned()));
    }
}

mod arguments {
    use super::*;

    thread_local! {
        /// What was evaluated on this OS thread, in order.
        static LOG: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }

    fn log<T>(what: &'static str, value: T) -> T {
        LOG.with_borrow_mut(|log| log.push(what));
        value
    }

    fn logged() -> Vec<&'static str> {
        LOG.take()
    }

    #[test]
    fn are_evaluated_once_in_order_before_go_returns() {
        let call = go!((log("callee", add))(log("first", 1), log("second", 2)));
        assert_eq!(logged(), ["callee", "first", "second"]);
        assert_eq!(join!(call), 3);
        assert_eq!(logged(), [""; 0]);

        let method = go!(log("receiver", 5_u32).pow(log("argument", 2)));
        assert_eq!(logged(), ["receiver", "argument"]);
        assert_eq!(join!(method), 25);

        let options = go!(
            stack_size = log("stack_size", 1 << 20), name = log("name", "w");
            add(log("first", 1), log("second", 2))
        );
        assert_eq!(logged(), ["stack_size", "name", "first", "second"]);
        assert_eq!(join!(options), 3);

        let closure = go!(name = log("name", "w"); (log("closure", || 1)));
        assert_eq!(logged(), ["name", "closure"]);
        assert_eq!(join!(closure), 1);
    }

    #[test]
    fn keep_the_value_that_they_had() {
        let mut n = 1;
        let before = go!(add(n, {
            n += 10;
            n
        }));
        n += 100;
        assert_eq!(n, 111);
        assert_eq!(join!(before), 12);
    }

    #[test]
    fn return_to_the_caller() {
        fn parse(text: &str) -> Result<u32, ParseIntError> {
            Ok(join!(go!(add(text.parse()?, 1))))
        }
        assert_eq!(parse("41"), Ok(42));
        assert!(parse("x").is_err());

        let mut answered = false;
        let value = loop {
            go!(add(1, if answered { break 7 } else { 1 }));
            answered = true;
        };
        assert_eq!(value, 7);
    }

    #[test]
    fn let_go_of_their_temporaries_at_once() {
        let lock = Mutex::new(1);
        let sum = go!(add(*lock.lock().unwrap(), *lock.lock().unwrap()));
        assert!(lock.try_lock().is_ok());
        assert_eq!(join!(sum), 2);
    }

    #[test]
    fn may_have_the_names_that_the_expansion_uses() {
        let (operand_0, operand_1, builder) = (1, 2, "w");
        assert_eq!(join!(go!(name = builder; add(operand_1, operand_0))), 3);
        assert_eq!(join!(go!(add({ operand_1 }, { operand_0 }))), 3);
    }

    #[test]
    fn are_inferred_from_the_call() {
        fn sum(numbers: Vec<u64>, more: Box<dyn Fn(u64) -> u64 + Send>, last: Option<u8>) -> u64 {
            more(numbers.iter().sum()) + u64::from(last.unwrap_or_default())
        }
        let numbers = [1, 2];
        assert_eq!(join!(go!(sum(numbers.into_iter().collect(), Box::new(|x| x + 1), None))), 4);
        fn slice(of: &'static [u32]) -> usize {
            of.len()
        }
        assert_eq!(join!(go!(slice(&[1, 2, 3]))), 3);
    }

    #[test]
    fn that_are_closures_are_inferred_from_the_call() {
        fn apply<T, R>(f: impl Fn(&T) -> R, to: T) -> R {
            f(&to)
        }
        let more = 1;
        let texts = String::from("a");
        assert_eq!(join!(go!(apply(|text| text.len() + more, "four".to_owned()))), 5);
        assert_eq!(join!(go!(apply(|text| text.len() + texts.len(), String::new()))), 1);
        assert_eq!(join!(go!(vec![1, 2].into_iter().map(|x| x + 1).sum::<u32>())), 5);
        assert_eq!(join!(go!(Some("four").map(|text| text.len()))), Some(4));
    }

    #[test]
    fn that_are_closures_keep_the_order() {
        fn run(f: impl Fn() -> u32, x: u32) -> (u32, u32) {
            (f(), x)
        }
        let mut n = 1;
        let handle = go!(run(move || n, {
            n += 1;
            n
        }));
        assert_eq!(join!(handle), (1, 2));
    }
}

mod options {
    use super::*;

    #[test]
    fn in_any_order_before_any_form() {
        let text = format!("{}", 1);
        assert_eq!(join!(go!(name = "a"; name)), Some("a".to_owned()));
        assert_eq!(join!(go!(name = text, stack_size = 1 << 20; move || name().unwrap())), "1");
        assert_eq!(join!(go!(stack_size = 1 << 20, name = "b",; name())).unwrap(), "b");
        assert_eq!(join!(go!(stack_size = 1 << 20; "x".len())), 1);
        let given = { "c" };
        assert_eq!(join!(go!(name = if given == "c" { "d" } else { "e" }; name())).unwrap(), "d");
    }
}

mod places {
    use super::*;

    #[test]
    fn a_statement_without_use_of_the_handle() {
        go!(add(1, 2));
        go!(|| ());
        if true {
            go!(add(1, 2));
        }
    }

    #[test]
    fn an_operand_or_a_receiver() {
        let handles = [go!(add(1, 2)), go!(add(3, 4))];
        assert_eq!(handles.map(|handle| join!(handle)), [3, 7]);
        assert_eq!(go!(add(1, 2)).join().unwrap(), 3);
    }

    #[test]
    fn a_macro_of_the_users() {
        macro_rules! start {
            ($task:expr) => {
                go!(name = "started"; $task)
            };
            ($f:ident, $($argument:expr),*) => {
                go!($f($($argument),*))
            };
        }
        assert_eq!(join!(start!(add(1, 2))), 3);
        assert_eq!(join!(start!(name())).unwrap(), "started");
        assert_eq!(join!(start!(move || 4)), 4);
        assert_eq!(join!(start!(add, 1 + 1, 3)), 5);
    }

    #[test]
    fn a_thread_of_its_own() {
        fn fib(n: u32) -> u32 {
            if n < 2 {
                return n;
            }
            let left = go!(fib(n - 1));
            fib(n - 2) + join!(left)
        }
        assert_eq!(sward::run(|| join!(go!(fib(8)))), 21);
    }

    #[test]
    fn an_arc_of_self() {
        struct Server {
            answer: u32,
        }
        impl Server {
            fn answer(&self, plus: u32) -> u32 {
                self.answer + plus
            }
            fn start(self: Arc<Self>) -> sward::JoinHandle<u32> {
                go!(self.answer(2))
            }
        }
        assert_eq!(join!(Arc::new(Server { answer: 40 }).start()), 42);
    }
}
