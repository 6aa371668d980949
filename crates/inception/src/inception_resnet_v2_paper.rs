//! Inception-ResNet-v2 as in the paper's figures 3 and 16 to 19, on Inception-v4's stem. The network with published
//! weights is a different one: `inception_resnet_v2`.
//!
//! The figures give the linear convolutions of the blocks B and C 1154 and 2048 channels. These cannot be added to the
//! 1152 and 2144 channels that the reductions of figures 7 and 18 give, so here these convolutions have as many channels
//! as the reductions give.

use burn::tensor::Tensor;

use crate::inception_resnet_v2::{inception_resnet_a, inception_resnet_b, inception_resnet_c};
use crate::inception_v4;
use crate::init::Builder;
use crate::paper_resnet::{PaperResNet, Stages, Stem};

/// The paper's Inception-ResNet-v2 (figure 15): one variant of [`Network`](crate::Network).
///
/// For a 299 px input at width 1 the stem gives 384 x 35 x 35, reduction A 1152 x 17 x 17, reduction B 2144 x 8 x 8.
pub type InceptionResNetV2Paper = PaperResNet<inception_v4::Stem>;

/// Builds it.
pub(crate) fn new(build: &mut Builder<'_>) -> InceptionResNetV2Paper {
    let stem = inception_v4::Stem::new(build);
    let stages = Stages {
        reduction_a: [256, 256, 384, 384],
        reduction_b: [288, 320],
        blocks: [inception_resnet_a, inception_resnet_b, inception_resnet_c],
    };
    PaperResNet::on(build, stem, &stages)
}

impl Stem for inception_v4::Stem {
    fn bn_epsilon(&self) -> f64 {
        self.bn_epsilon()
    }

    fn forward(
        &self,
        images: Tensor<4>,
        shown: &mut dyn FnMut(&str, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<4> {
        self.forward(images, &mut |name: &str, x| shown(name, x))
    }
}
