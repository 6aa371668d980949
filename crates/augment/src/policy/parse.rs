//! Parses MindCV's `auto_augment` strings to a [`Policy`]. Unlike MindCV, it refuses options without meaning.

use std::str::FromStr;

use super::{
    AugMix, AutoAugment, Noise, Policy, RandAugment, SubPolicies, ThreeAugment, TrivialAugmentWide,
};
use crate::AugmentError;

/// Why a string is not a policy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The string does not begin with a policy.
    #[error(
        "{text:?} names no augmentation policy; it must begin with autoaug, autoaugr, autoaug-mindcv, randaug, trivialaugwide, 3a or augmix, as in `randaug-m9-n2-mstd0.5`"
    )]
    UnknownPolicy {
        /// The whole string.
        text: String,
    },
    /// An option that the policy does not have.
    #[error("{text:?}: {policy} has no option {option:?}; its options are {accepted}")]
    UnknownOption {
        /// The whole string.
        text: String,
        /// The policy that the string names.
        policy: &'static str,
        /// The option with its value.
        option: String,
        /// The options of this policy.
        accepted: &'static str,
    },
    /// A value that is not a number of the kind that the option needs.
    #[error("{text:?}: the value of {option:?} must be {expects}")]
    BadValue {
        /// The whole string.
        text: String,
        /// The option with its value.
        option: String,
        /// What the value must be.
        expects: &'static str,
    },
    /// An option that is given twice.
    #[error("{text:?} gives {option:?} twice")]
    Repeated {
        /// The whole string.
        text: String,
        /// The option without its value.
        option: String,
    },
    /// A value outside of its range.
    #[error("{text:?}: {source}")]
    OutOfRange {
        /// The whole string.
        text: String,
        /// Which value, and its range.
        source: AugmentError,
    },
}

/// Longer names come before those that are a prefix of them.
const POLICIES: [(&str, &str); 7] = [
    ("autoaug-mindcv", "mstd"),
    ("autoaugr", "mstd"),
    ("autoaug", "mstd"),
    ("randaug", "m, n, p, mstd, mmax, inc and w"),
    ("trivialaugwide", "m"),
    ("3a", "mstd"),
    ("augmix", "m, w, d, a and mstd"),
];

impl FromStr for Policy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let found = POLICIES.iter().find_map(|&(name, accepted)| {
            let rest = text.strip_prefix(name)?;
            (rest.is_empty() || rest.starts_with('-')).then_some((name, accepted, rest))
        });
        let Some((policy, accepted, rest)) = found else {
            return Err(PolicyError::UnknownPolicy { text: text.into() });
        };
        let mut options = Options {
            text,
            policy,
            accepted,
            given: Options::split(rest),
        };
        let parsed = match policy {
            "autoaug-mindcv" => options.autoaugment(SubPolicies::MindCv)?,
            "autoaugr" => options.autoaugment(SubPolicies::Research)?,
            "autoaug" => options.autoaugment(SubPolicies::Published)?,
            "randaug" => options.randaugment()?,
            "trivialaugwide" => options.trivialaugment()?,
            "3a" => Policy::ThreeAugment(ThreeAugment::new(options.noise()?)),
            _ => options.augmix()?,
        };
        options.finish(parsed)
    }
}

/// The options of one string. Each policy takes the ones that it has, and none may be left.
struct Options<'a> {
    text: &'a str,
    policy: &'static str,
    accepted: &'static str,
    /// Names and values.
    given: Vec<(&'a str, &'a str)>,
}

const NUMBER: &str = "a number that is not negative, as in `mstd0.5`";
const WHOLE: &str = "a whole number, as in `n2`";
const SWITCH: &str = "0 or 1";

impl<'a> Options<'a> {
    /// A name is letters. Its value goes up to the next hyphen, but may begin with one, as in `d-1`.
    fn split(mut rest: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut given = Vec::new();
        while let Some(option) = rest.strip_prefix('-') {
            let letters = option.find(|c: char| !c.is_ascii_alphabetic());
            let (name, value) = option.split_at(letters.unwrap_or(option.len()));
            let sign = usize::from(!name.is_empty() && value.starts_with('-'));
            let negative = value[sign..].starts_with(|c: char| c.is_ascii_digit());
            let sign = if negative { sign } else { 0 };
            let end = value[sign..].find('-').map_or(value.len(), |at| at + sign);
            given.push((name, &value[..end]));
            rest = &value[end..];
        }
        given
    }

    fn autoaugment(&mut self, sub_policies: SubPolicies) -> Result<Policy, PolicyError> {
        let noise = self.noise()?;
        Ok(Policy::AutoAugment(AutoAugment::new(sub_policies, noise)))
    }

    fn randaugment(&mut self) -> Result<Policy, PolicyError> {
        let layers = self.take("n", WHOLE)?.unwrap_or(2);
        let magnitude = self.take("m", NUMBER)?.unwrap_or(10.0);
        let mut policy = self.ranged(RandAugment::new(layers, magnitude))?;
        policy = policy.with_noise(self.noise()?);
        if let Some(probability) = self.take("p", NUMBER)? {
            policy = self.ranged(policy.with_probability(probability))?;
        }
        if let Some(most) = self.take("mmax", NUMBER)? {
            policy = self.ranged(policy.with_most(most))?;
        }
        match self.take::<u8>("inc", SWITCH)? {
            None | Some(0) => {}
            Some(1) => policy = policy.increasing(),
            Some(other) => return Err(self.bad_value("inc", &other.to_string(), SWITCH)),
        }
        match self.take::<u8>("w", WEIGHTS)? {
            None => {}
            Some(0) => policy = policy.weighted(),
            Some(other) => return Err(self.bad_value("w", &other.to_string(), WEIGHTS)),
        }
        Ok(Policy::RandAugment(policy))
    }

    fn trivialaugment(&mut self) -> Result<Policy, PolicyError> {
        let levels = self.take("m", WHOLE)?.unwrap_or(31);
        let policy = self.ranged(TrivialAugmentWide::new(levels))?;
        Ok(Policy::TrivialAugmentWide(policy))
    }

    fn augmix(&mut self) -> Result<Policy, PolicyError> {
        let magnitude = self.take("m", NUMBER)?.unwrap_or(3.0);
        let width = self.take("w", WHOLE)?.unwrap_or(3);
        let depth = match self.take::<i32>("d", "a whole number, or -1 for 1 to 3 at random")? {
            None | Some(-1) => None,
            Some(depth) => Some(usize::try_from(depth).unwrap_or(0)),
        };
        let mut policy = self.ranged(AugMix::new(magnitude, width, depth))?;
        if let Some(alpha) = self.take("a", NUMBER)? {
            policy = self.ranged(policy.with_alpha(alpha))?;
        }
        if let Some(deviation) = self.take("mstd", NUMBER)? {
            policy = policy.with_noise(self.noise_of(deviation)?);
        }
        Ok(Policy::AugMix(policy))
    }

    /// MindCV's default deviation is 0.5.
    fn noise(&mut self) -> Result<Noise, PolicyError> {
        let deviation = self.take("mstd", NUMBER)?.unwrap_or(0.5);
        self.noise_of(deviation)
    }

    fn noise_of(&self, deviation: f64) -> Result<Noise, PolicyError> {
        match deviation {
            0.0 => Ok(Noise::None),
            d if d > 0.0 && d <= 100.0 => Ok(Noise::Normal(d)),
            d if d > 100.0 => Ok(Noise::Uniform),
            d => Err(self.bad_value("mstd", &d.to_string(), NUMBER)),
        }
    }

    /// Takes the value of the option `name`, if it is given.
    fn take<T: FromStr>(
        &mut self,
        name: &str,
        expects: &'static str,
    ) -> Result<Option<T>, PolicyError> {
        let Some(at) = self.given.iter().position(|&(given, _)| given == name) else {
            return Ok(None);
        };
        let (_, value) = self.given.remove(at);
        if self.given.iter().any(|&(given, _)| given == name) {
            return Err(PolicyError::Repeated {
                text: self.text.into(),
                option: name.into(),
            });
        }
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(self.bad_value(name, value, expects)),
        }
    }

    fn finish(self, policy: Policy) -> Result<Policy, PolicyError> {
        match self.given.first() {
            None => Ok(policy),
            Some((name, value)) => Err(PolicyError::UnknownOption {
                text: self.text.into(),
                policy: self.policy,
                option: format!("{name}{value}"),
                accepted: self.accepted,
            }),
        }
    }

    fn ranged<T>(&self, result: Result<T, AugmentError>) -> Result<T, PolicyError> {
        result.map_err(|source| PolicyError::OutOfRange {
            text: self.text.into(),
            source,
        })
    }

    fn bad_value(&self, name: &str, value: &str, expects: &'static str) -> PolicyError {
        PolicyError::BadValue {
            text: self.text.into(),
            option: format!("{name}{value}"),
            expects,
        }
    }
}

const WEIGHTS: &str = "0, the only set of weights";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parse(text: &str) -> Policy {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        text.parse::<Policy>().unwrap_err().to_string()
    }

    #[test]
    fn defaults_are_those_of_mindcv() {
        assert_eq!(parse("autoaug"), parse("autoaug-mstd0.5"));
        assert_eq!(parse("autoaugr"), parse("autoaugr-mstd0.5"));
        assert_eq!(parse("3a"), parse("3a-mstd0.5"));
        assert_eq!(parse("trivialaugwide"), parse("trivialaugwide-m31"));
        assert_eq!(parse("augmix"), parse("augmix-m3-w3-d-1-a1"));
        assert_eq!(parse("augmix"), parse("augmix-mstd101"));
        assert_eq!(
            parse("randaug"),
            parse("randaug-m10-n2-p0.5-mstd0.5-mmax10-inc0")
        );
    }

    #[test]
    fn options_count_in_any_order() {
        assert_eq!(
            parse("randaug-n3-inc1-w0-m9-mstd0-p1-mmax12"),
            Policy::RandAugment(
                RandAugment::new(3, 9.0)
                    .and_then(|policy| policy.with_probability(1.0))
                    .and_then(|policy| policy.with_most(12.0))
                    .unwrap()
                    .with_noise(Noise::None)
                    .increasing()
                    .weighted()
            )
        );
        assert_eq!(
            parse("augmix-d-1-w4-m5-mstd1.5-a0.5"),
            Policy::AugMix(
                AugMix::new(5.0, 4, None)
                    .and_then(|policy| policy.with_alpha(0.5))
                    .unwrap()
                    .with_noise(Noise::Normal(1.5))
            )
        );
        assert_ne!(parse("augmix-d2"), parse("augmix-d-1"));
        assert_ne!(parse("autoaug-mstd0"), parse("autoaug"));
        assert_ne!(parse("autoaug-mindcv"), parse("autoaug"));
    }

    #[test]
    fn in_mindcv_the_noise_cannot_be_changed() {
        assert_eq!(parse("autoaug-mindcv-mstd3"), parse("autoaug-mindcv"));
    }

    #[test]
    fn refusals_say_what_is_wrong_and_what_is_accepted() {
        for (text, wrong, accepted) in [
            ("", "\"\" names no", "randaug"),
            ("autoaugx", "\"autoaugx\" names no", "autoaug-mindcv"),
            ("rand-m9", "\"rand-m9\" names no", "randaug-m9"),
            ("AutoAug", "names no", "autoaug"),
            ("autoaug-m9", "autoaug has no option \"m9\"", "are mstd"),
            ("autoaug-mindcvx", "no option \"mindcvx\"", "are mstd"),
            ("autoaug-", "no option \"\"", "are mstd"),
            ("3a-mstd0.5-", "no option \"\"", "are mstd"),
            ("augmix-5", "no option \"5\"", "m, w, d, a and mstd"),
            ("randaug-m", "\"m\"", "not negative"),
            ("randaug-mx9", "no option \"mx9\"", "m, n, p"),
            ("randaug-n2.5", "\"n2.5\"", "whole number"),
            ("randaug-n0", "layers is 0", "from 1 to 100"),
            ("randaug-m-3", "magnitude is -3", "from 0 to 100"),
            ("randaug-p1.5", "probability is 1.5", "from 0 to 1"),
            ("randaug-inc2", "\"inc2\"", "0 or 1"),
            ("randaug-w1", "\"w1\"", "only set"),
            ("randaug-m9-m8", "\"m\" twice", ""),
            ("randaug-mmax0", "largest magnitude is 0", "above 0"),
            ("trivialaugwide-m1", "magnitudes is 1", "from 2 to 1000"),
            ("autoaug-mstd-1", "\"mstd-1\"", "not negative"),
            ("autoaug-mstd1e", "\"mstd1e\"", "not negative"),
            ("augmix-d0", "length of chains is 0", "from 1 to 16"),
            ("augmix-w17", "number of chains is 17", "from 1 to 16"),
            ("augmix-a0", "alpha is 0", "above 0"),
            ("augmix-m11", "magnitude is 11", "from 0 to 10"),
        ] {
            let message = refusal(text);
            assert!(
                message.contains(wrong) && message.contains(accepted),
                "{text}: {message}"
            );
        }
    }
}
