//! Do two trees of different shape have the same leaves, in the same order?
//!
//! A tree is walked by plain recursion, which hands out each leaf as it comes to it. As two generators,
//! two such walks go on side by side, a leaf at a time, and stop, deep inside, at the first
//! difference. No list of leaves is made, and no walk goes further than it must:
//!
//! ```text
//! same leaves, other shape: the same, 2000 leaves visited
//! the third leaf differs: not the same, 6 leaves visited
//! one has a leaf more: not the same, 1999 leaves visited
//! ```

#![forbid(unsafe_code)]

use std::cell::Cell;

use sward::coroutine::{self, Yielder};

enum Tree {
    Leaf(u32),
    Node(Box<Tree>, Box<Tree>),
}

impl Tree {
    /// A tree with these leaves, of which each node has a half, or a third, or so, on its left.
    fn new(leaves: &[u32], parts: usize) -> Self {
        if let [leaf] = leaves {
            return Tree::Leaf(*leaf);
        }
        let (left, right) = leaves.split_at(leaves.len().div_ceil(parts));
        Tree::Node(Tree::new(left, parts).into(), Tree::new(right, parts).into())
    }

    fn walk(&self, y: &Yielder<(), u32>) {
        match self {
            Tree::Leaf(value) => y.suspend(*value),
            Tree::Node(left, right) => {
                left.walk(y);
                right.walk(y);
            }
        }
    }
}

fn compare(what: &str, a: &Tree, b: &Tree) {
    let visited = Cell::new(0);
    let count = |_: &u32| visited.set(visited.get() + 1);
    let is_same = coroutine::scoped(|c| {
        let a = c.generator(|y| a.walk(y)).inspect(count);
        let b = c.generator(|y| b.walk(y)).inspect(count);
        a.eq(b)
    });
    let verdict = if is_same { "the same" } else { "not the same" };
    println!("{what}: {verdict}, {} leaves visited", visited.get());
}

fn main() {
    let leaves: Vec<u32> = (1..=1000).collect();
    let mut changed = leaves.clone();
    changed[2] = 0;

    let tree = Tree::new(&leaves, 2);
    compare("same leaves, other shape", &tree, &Tree::new(&leaves, 3));
    compare("the third leaf differs", &tree, &Tree::new(&changed, 3));
    compare("one has a leaf more", &tree, &Tree::new(&leaves[..999], 3));
}
