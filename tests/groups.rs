//! Groups and macros by the names that users have for them, where theirs are hidden by others.

#![allow(non_camel_case_types)]

use sward::TaskGroup;

mod hidden {
    /// What paths in the macros must not mean.
    #[allow(dead_code)]
    mod core {}
    #[allow(dead_code)]
    mod sward_sched {}
    #[allow(dead_code)]
    struct Option;
    #[allow(dead_code)]
    struct Ok;

    pub(super) fn both(text: &str) -> (usize, usize) {
        sward::join!(text.len(), text.lines().count())
    }

    pub(super) fn all(a: &str, b: &str) -> Result<(u32, i64), std::num::ParseIntError> {
        sward::try_join!(a.parse(), b.parse())
    }

    pub(super) fn either(a: u32, b: u32) -> u32 {
        sward::race!(a, b)
    }
}

#[sward::test]
fn macros_work_through_the_facade() {
    assert_eq!(hidden::both("two\nlines"), (9, 2));
    assert_eq!(hidden::all("6", "-7"), Ok((6, -7)));
    assert!(hidden::all("6", "x").is_err());
    assert!([1, 2].contains(&hidden::either(1, 2)));
    assert_eq!(sward::race([|| 7]), 7);
}

#[sward::test]
fn errors_of_groups_go_on_by_question_mark() {
    fn sum(numbers: &[&str]) -> Result<u32, Box<dyn std::error::Error>> {
        let parsed = TaskGroup::new().limit(2).collect(|group| {
            numbers.iter().for_each(|number| group.spawn(|| number.parse::<u32>()));
        })?;
        Ok(parsed.iter().sum())
    }
    assert_eq!(sum(&["1", "2", "3"]).unwrap(), 6);
    let error = sum(&["1", "x", "3"]).unwrap_err();
    assert!(error.source().unwrap().is::<std::num::ParseIntError>());
}
