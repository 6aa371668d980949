// Calls the kernels that PyTorch's own training step calls, of which the Rust bindings lack the
// backward ones. Tensors come and go as pointers to at::Tensor, as in torch-sys; what is given out
// belongs to the caller. Every function returns null, or a message that fused_free releases.

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_batch_norm_impl_index.h>
#include <ATen/ops/_batch_norm_impl_index_backward.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>

#include <cstdlib>
#include <cstring>
#include <exception>

namespace {

using at::Tensor;

template <typename Work>
char *guarded(Work work) {
  try {
    at::AutoDispatchBelowADInplaceOrView no_autograd;
    work();
    return nullptr;
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an error that is no std::exception");
  }
}

at::IntArrayRef pair(const int64_t *values) { return at::IntArrayRef(values, 2); }

Tensor *give(Tensor tensor) { return new Tensor(std::move(tensor)); }

}  // namespace

extern "C" {

void fused_free(char *message) { free(message); }

// results: output, mean, unbiased variance, convolution's output, saved mean, saved 1/std, cuDNN's reserve.
// Computes in the input's type; the weight is converted to it, batch normalisation keeps its own.
char *fused_conv_bn_relu(const Tensor *input, const Tensor *weight, const Tensor *gamma, const Tensor *beta,
                         const int64_t *stride, const int64_t *padding, double epsilon, Tensor **results,
                         int64_t *kernel) {
  return guarded([&] {
    const int64_t ones[2] = {1, 1}, none[2] = {0, 0};
    Tensor convolved = at::convolution(*input, weight->to(input->scalar_type()), {}, pair(stride), pair(padding),
                                       pair(ones), false, pair(none), 1);
    // Running statistics that the newest batch replaces (momentum 1) are the batch's own.
    Tensor mean = at::zeros_like(*gamma), variance = at::zeros_like(*gamma);
    auto [output, saved_mean, inverse_std, reserve, index] = at::_batch_norm_impl_index(
        convolved, *gamma, *beta, mean, variance, true, 1.0, epsilon, true);
    at::relu_(output);
    const Tensor all[7] = {output, mean, variance, convolved, saved_mean, inverse_std, reserve};
    for (int i = 0; i < 7; i++) results[i] = give(all[i]);
    *kernel = index;
  });
}

// results: gradients of input, weight, gamma, beta; null where wanted[i] is false.
char *fused_conv_bn_relu_backward(const Tensor *output_gradient, const Tensor *input, const Tensor *weight,
                                  const Tensor *gamma, const Tensor *convolved, const Tensor *output,
                                  const Tensor *mean, const Tensor *inverse_std, const Tensor *reserve,
                                  int64_t kernel, const int64_t *stride, const int64_t *padding, double epsilon,
                                  const bool *wanted, Tensor **results) {
  return guarded([&] {
    const int64_t ones[2] = {1, 1}, none[2] = {0, 0};
    const bool convolution_wanted = wanted[0] || wanted[1];
    Tensor gradient = at::threshold_backward(*output_gradient, *output, 0);
    auto [normalised, by_gamma, by_beta] = at::_batch_norm_impl_index_backward(
        kernel, *convolved, gradient, *gamma, {}, {}, *mean, *inverse_std, true, epsilon,
        {convolution_wanted, wanted[2], wanted[3]}, *reserve);
    gradient.reset();
    Tensor by_input, by_weight;
    if (convolution_wanted) {
      std::tie(by_input, by_weight, std::ignore) = at::convolution_backward(
          normalised, *input, weight->to(input->scalar_type()), at::OptionalIntArrayRef(), pair(stride),
          pair(padding), pair(ones), false, pair(none), 1, {wanted[0], wanted[1], false});
      if (wanted[1]) by_weight = by_weight.to(weight->scalar_type());
    }
    const Tensor all[4] = {by_input, by_weight, by_gamma, by_beta};
    for (int i = 0; i < 4; i++) results[i] = wanted[i] ? give(all[i]) : nullptr;
  });
}

}  // extern "C"
