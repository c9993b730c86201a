//! Munin's arithmetic on a field (`cdef`): RRDtool's reverse Polish notation (cdeftutorial(1)), as
//! far as plugins need it to bring a figure into the unit that their graph names, such as
//! `down,8,*` for bits.

/// Four operations on numbers and on the figures of a graph's fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula(Vec<Step>);

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Number(f64),
    Field(String),
    Operation(Operation),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Formula {
    /// None for what does not leave one figure: RRDtool has operations that are not among the four.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let steps: Vec<_> = text
            .split(',')
            .map(|word| Step::parse(word.trim()))
            .collect();
        let after = steps.iter().try_fold(0_usize, |depth, step| match step {
            Step::Operation(_) => depth.checked_sub(1).filter(|depth| *depth > 0),
            Step::Number(_) | Step::Field(_) => Some(depth + 1),
        });
        (after == Some(1)).then_some(Self(steps))
    }

    /// The result over the figures that `field` gives. None where one of them is unknown, and for a
    /// division by zero.
    pub(super) fn result(&self, field: impl Fn(&str) -> Option<f64>) -> Option<f64> {
        let mut stack = Vec::new();
        for step in &self.0 {
            let figure = match step {
                Step::Number(number) => *number,
                Step::Field(name) => field(name)?,
                Step::Operation(operation) => {
                    let (right, left) = (stack.pop()?, stack.pop()?);
                    operation.of(left, right)
                }
            };
            stack.push(figure);
        }
        stack.pop().filter(|result: &f64| result.is_finite())
    }
}

impl Step {
    fn parse(word: &str) -> Self {
        match word {
            "+" => Self::Operation(Operation::Add),
            "-" => Self::Operation(Operation::Subtract),
            "*" => Self::Operation(Operation::Multiply),
            "/" => Self::Operation(Operation::Divide),
            word => word
                .parse()
                .map_or_else(|_| Self::Field(word.into()), Self::Number),
        }
    }
}

impl Operation {
    fn of(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_formulas_of_debians_plugins() {
        let field = |name: &str| match name {
            "a" => Some(6.0),
            "b" => Some(2.0),
            _ => None,
        };
        for (text, result) in [
            ("a,8,*", Some(48.0)),
            ("a,1000,*,4000,/", Some(1.5)),
            ("a,b,-,1,-", Some(3.0)),
            ("a,b,/,100,*", Some(300.0)),
            (" a , -1.5 ,+", Some(4.5)),
            ("a", Some(6.0)),
            ("unknown,8,*", None),
            ("a,0,/", None),
        ] {
            assert_eq!(
                Formula::parse(text).unwrap().result(field),
                result,
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text: String, operations in "([a-c1-9],|[-+*/],){0,12}") {
            for text in [text, operations] {
                let result = Formula::parse(&text).and_then(|formula| formula.result(|_| Some(0.0)));
                prop_assert!(result.is_none_or(f64::is_finite));
            }
        }
    }

    #[test]
    fn other_operations_are_none() {
        for text in [
            "a,UN,0,a,IF",
            "a,b,MAX",
            "a,8",
            "*",
            "a,*",
            "a,b,*,*",
            "",
            "a,b,%",
        ] {
            let formula = Formula::parse(text);
            assert!(
                formula.is_none_or(|formula| formula
                    .result(|name| (name == "a").then_some(1.0))
                    .is_none()),
                "{text}"
            );
        }
    }
}
