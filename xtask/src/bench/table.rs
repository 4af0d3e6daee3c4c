//! The tables: for each number of workers what an operation costs, what more workers
//! gain, delays, and load. In Markdown, to be pasted into benches/RESULTS.md.

use std::collections::{BTreeMap, BTreeSet};

use super::contender::Contender;
use super::workloads::{Unit, Workload};
use super::{Run, median};

pub(super) struct Results {
    /// The columns.
    contenders: Vec<Contender>,
    runs: BTreeMap<Key, Vec<Run>>,
    /// Where a run came to a bad end.
    died: BTreeSet<Key>,
}

/// A cell: a workload's name, a number of workers, a contender.
type Key = (&'static str, usize, Contender);

type Row = Vec<String>;

impl Results {
    pub(super) fn new(contenders: Vec<Contender>) -> Self {
        Self { contenders, runs: BTreeMap::new(), died: BTreeSet::new() }
    }

    pub(super) fn add(&mut self, key: Key, run: Run) {
        self.runs.entry(key).or_default().push(run);
    }

    pub(super) fn add_death(&mut self, key: Key) {
        self.died.insert(key);
    }

    pub(super) fn has_died(&self, key: Key) -> bool {
        self.died.contains(&key)
    }

    /// A line for whoever watches.
    pub(super) fn summary(&self, workload: &Workload, workers: usize) -> String {
        let cell = |&contender| {
            let cell = self.cell(workload, workers, contender)?;
            Some(format!("{} {cell}", contender.title()))
        };
        let cells: Vec<_> = self.contenders.iter().filter_map(cell).collect();
        format!("{} on {workers}: {}", workload.name, cells.join(", "))
    }

    pub(super) fn print_tables(&self, workloads: &[&Workload], workers: &[usize]) {
        for &workers in workers {
            let costs = self.rows(workloads, &[Unit::Cost, Unit::Speedup], |workload| {
                let cells = self.cells(|contender| self.cell(workload, workers, contender));
                let ratios = self.ours().flat_map(|ours| self.ratios(workload, workers, ours));
                let line = self.line(workload, workers);
                cells.into_iter().chain(ratios).chain([line]).collect()
            });
            let ratios = self.ours().flat_map(|ours| {
                ["best peer", "Go"].map(|peer| format!("{}/{peer}", ours.title()))
            });
            let line = "line's round trip".to_owned();
            let title = |what| format!("{what}, workers: {workers}");
            self.print(&title("ns an operation"), ratios.chain([line]), costs);

            let gains = self.rows(workloads, &[Unit::Speedup], |workload| {
                self.cells(|contender| {
                    let time = |workers| self.value(workload, workers, contender);
                    (workers != 1).then_some(())?;
                    Some(format!("{:.2}", time(1)? / time(workers)?))
                })
            });
            self.print(&title("times as fast as with 1 worker"), [], gains);

            for (what, unit) in [
                ("delays: median, 99.9th percentile", Unit::Delays),
                ("CPU time in percent of a core", Unit::Load),
                ("least share in percent", Unit::Share),
                ("bytes of memory each", Unit::Bytes),
            ] {
                let rows = self.rows(workloads, &[unit], |workload| {
                    self.cells(|contender| self.cell(workload, workers, contender))
                });
                self.print(&title(what), [], rows);
            }
        }
    }

    fn ours(&self) -> impl Iterator<Item = Contender> {
        self.contenders.iter().copied().filter(|contender| contender.is_ours())
    }

    /// A row for each workload of these units about which there is something to say.
    fn rows(
        &self,
        workloads: &[&Workload],
        units: &[Unit],
        cells: impl Fn(&Workload) -> Vec<String>,
    ) -> Vec<Row> {
        let rows = workloads.iter().filter(|workload| units.contains(&workload.unit));
        let rows = rows.map(|it| [it.name.to_owned()].into_iter().chain(cells(it)).collect());
        rows.filter(|row: &Row| row[1..].iter().any(|cell| cell != "-")).collect()
    }

    fn cells(&self, cell: impl Fn(Contender) -> Option<String>) -> Vec<String> {
        self.contenders.iter().map(|&it| cell(it).unwrap_or_else(|| "-".to_owned())).collect()
    }

    fn runs(&self, workload: &Workload, workers: usize, contender: Contender) -> &[Run] {
        self.runs.get(&(workload.name, workers, contender)).map_or(&[], Vec::as_slice)
    }

    fn value(&self, workload: &Workload, workers: usize, contender: Contender) -> Option<f64> {
        let runs = self.runs(workload, workers, contender);
        median(runs.iter().map(|run| run.figure.value).collect())
    }

    /// The figure, marked if the line changed during a run that it is taken from.
    fn cell(&self, workload: &Workload, workers: usize, contender: Contender) -> Option<String> {
        if self.has_died((workload.name, workers, contender)) {
            return Some("died".to_owned());
        }
        let value = self.value(workload, workers, contender)?;
        let runs = self.runs(workload, workers, contender);
        let tail = median(runs.iter().filter_map(|run| run.figure.tail).collect());
        let text = match (workload.unit, tail) {
            (Unit::Delays, Some(tail)) => format!("{}, {}", delay(value), delay(tail)),
            (Unit::Load | Unit::Share, _) => format!("{value:.2}"),
            (Unit::Bytes, _) => format!("{value:.0}"),
            _ => nanoseconds(value),
        };
        let mark = if runs.iter().any(Run::line_changed) { "~" } else { "" };
        Some(text + mark)
    }

    /// Ours over the best peer's, and over Go's: below 1, ours is faster.
    fn ratios(&self, workload: &Workload, workers: usize, ours: Contender) -> [String; 2] {
        let value = |contender| self.value(workload, workers, contender);
        let peers = self.contenders.iter().copied().filter(|contender| !contender.is_ours());
        let best = peers.filter_map(value).min_by(f64::total_cmp);
        [best, value(Contender::Go)].map(|peer| match value(ours).zip(peer) {
            Some((ours, peer)) => format!("{:.2}", ours / peer),
            None => "-".to_owned(),
        })
    }

    /// From where to where the line's round trip went during the runs of a row.
    fn line(&self, workload: &Workload, workers: usize) -> String {
        let of = |&contender| self.runs(workload, workers, contender);
        let runs = self.contenders.iter().flat_map(of);
        let lines: Vec<_> =
            runs.filter_map(|run| run.line).flat_map(|(before, after)| [before, after]).collect();
        let least = lines.iter().copied().min_by(f64::total_cmp);
        let most = lines.iter().copied().max_by(f64::total_cmp);
        least.zip(most).map_or("-".to_owned(), |(least, most)| format!("{least:.0}–{most:.0}"))
    }

    /// Under a heading, and without columns that say nothing; nothing if there are no rows.
    fn print(&self, title: &str, more: impl IntoIterator<Item = String>, rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let titles = self.contenders.iter().map(|contender| contender.title().to_owned());
        let head: Row = ["workload".to_owned()].into_iter().chain(titles).chain(more).collect();
        let said = |&column: &usize| rows.iter().any(|row| row[column] != "-");
        let columns: Vec<_> = (0..head.len()).filter(said).collect();
        let kept = |row: &Row| columns.iter().map(|&column| row[column].clone()).collect();
        let rows: Vec<Row> = rows.iter().map(kept).collect();
        println!("\n{title}\n\n{}", aligned(&kept(&head), &rows));
    }
}

/// A table in Markdown.
fn aligned(head: &Row, rows: &[Row]) -> String {
    let cell = |row: &Row, column: usize| row[column].chars().count();
    let width = |column| rows.iter().chain([head]).map(|row| cell(row, column)).max();
    let widths: Vec<_> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Row| {
        let pad = |(column, cell): (usize, &String)| match column {
            0 => format!("| {cell:<0$} |", widths[column]),
            _ => format!(" {cell:>0$} |", widths[column]),
        };
        row.iter().enumerate().map(pad).collect::<String>()
    };
    let dashes = |(column, &width): (usize, &usize)| match column {
        0 => "-".repeat(width),
        _ => "-".repeat(width - 1) + ":",
    };
    let rule: Row = widths.iter().enumerate().map(dashes).collect();
    [line(head), line(&rule)]
        .into_iter()
        .chain(rows.iter().map(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Three digits are more than these figures are good for.
fn nanoseconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn delay(nanoseconds: f64) -> String {
    let units = [(1e6, "ms"), (1e3, "µs")];
    let unit = units.into_iter().find(|&(size, _)| nanoseconds >= size);
    let (size, name) = unit.unwrap_or((1.0, "ns"));
    let value = nanoseconds / size;
    let decimals = usize::from(value < 10.0 && size > 1.0);
    format!("{value:.decimals$} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_in_the_unit_that_suits_them() {
        assert_eq!(delay(940.0), "940 ns");
        assert_eq!(delay(2_260.0), "2.3 µs");
        assert_eq!(delay(41_351.0), "41 µs");
        assert_eq!(delay(1_099_414_460.0), "1099 ms");
    }

    #[test]
    fn tables_are_aligned() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        assert_eq!(
            aligned(&row(["workload", "Go"]), &[row(["spawn", "186.2"]), row(["a", "1–µ"])]),
            "| workload |    Go |\n\
             | -------- | ----: |\n\
             | spawn    | 186.2 |\n\
             | a        |   1–µ |"
        );
    }
}
