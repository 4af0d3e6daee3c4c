//! Groups by the names that users have for them.

use sward::TaskGroup;

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
