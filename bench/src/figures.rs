//! What was measured, and the medians of it.

use std::collections::BTreeMap;

/// By what was measured and of whom: a figure for each round.
pub(crate) struct Figures(BTreeMap<String, BTreeMap<String, Vec<f64>>>);

/// The middle of many rounds, and of its lower and upper half.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Figures {
    pub(crate) fn new(rounds: BTreeMap<String, BTreeMap<String, Vec<f64>>>) -> Self {
        Self(rounds)
    }

    pub(crate) fn has(&self, measure: &str) -> bool {
        self.0.contains_key(measure)
    }

    /// Of `contender` divided by `base`, round by round.
    pub(crate) fn ratio(&self, measure: &str, contender: &str, base: &str) -> Option<Spread> {
        self.compare(measure, contender, base, |one, other| one / other)
    }

    /// Of `contender` less `base`, round by round.
    pub(crate) fn difference(&self, measure: &str, contender: &str, base: &str) -> Option<Spread> {
        self.compare(measure, contender, base, |one, other| one - other)
    }

    /// As it was measured.
    pub(crate) fn plain(&self, measure: &str, contender: &str) -> Option<Spread> {
        spread(self.of(measure, contender)?.to_vec())
    }

    pub(crate) fn most(&self, measure: &str, contender: &str) -> Option<f64> {
        self.of(measure, contender)?
            .iter()
            .copied()
            .reduce(f64::max)
    }

    fn of(&self, measure: &str, contender: &str) -> Option<&[f64]> {
        Some(self.0.get(measure)?.get(contender)?)
    }

    fn compare(
        &self,
        measure: &str,
        contender: &str,
        base: &str,
        how: fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let pairs = self
            .of(measure, contender)?
            .iter()
            .zip(self.of(measure, base)?);
        spread(pairs.map(|(one, other)| how(*one, *other)).collect())
    }
}

fn spread(mut values: Vec<f64>) -> Option<Spread> {
    values.sort_by(f64::total_cmp);
    let at = |part: usize| {
        let (low, high) = (
            (values.len() - 1) * part / 4,
            ((values.len() - 1) * part).div_ceil(4),
        );
        Some((values.get(low)? + values.get(high)?) / 2.0)
    };
    if values.is_empty() {
        return None;
    }
    Some(Spread {
        low: at(1)?,
        median: at(2)?,
        high: at(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::{Spread, spread};

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let even = spread(vec![4.0, 1.0, 3.0, 2.0]).map(|spread| spread.median);
        assert_eq!(even, Some(2.5));
    }

    #[test]
    fn a_spread_has_the_middles_of_both_halves() {
        let odd = spread(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
        let expected = Spread {
            low: 2.0,
            median: 3.0,
            high: 4.0,
        };
        assert_eq!(odd, Some(expected));
        assert_eq!(spread(vec![]), None);
    }
}
