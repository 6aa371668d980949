// Calls the kernels that PyTorch's own training step calls, of which the Rust bindings lack the
// backward ones. Tensors come and go as pointers to at::Tensor, as in torch-sys; what is given out
// belongs to the caller. Every function returns null, or a message that fused_free releases.

#include <ATen/Context.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_batch_norm_impl_index.h>
#include <ATen/ops/_batch_norm_impl_index_backward.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/threshold_backward.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <string_view>
#include <unordered_map>

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

// In what a training step computes: ../formats.rs.
struct Formats {
  at::ScalarType convolution, normalisation, output, normalised;
  explicit Formats(const int8_t *of)
      : convolution(at::ScalarType(of[0])),
        normalisation(at::ScalarType(of[1])),
        output(at::ScalarType(of[2])),
        normalised(normalisation == at::kFloat ? output : normalisation) {}
};

// A convolution's weight in its format and, where that makes a copy or cuDNN would, in the input's layout.
Tensor laid_out(const Tensor &weight, at::ScalarType type, const Tensor &input) {
  if (weight.scalar_type() == type && !weight.is_cuda()) return weight;
  return weight.to(type, false, false, input.suggest_memory_format());
}

// oneDNN applies the ReLU while the convolution's output is in the cache. The operator that PyTorch's compiler
// calls for that has no function in the headers.
Tensor onednn_conv_relu(const Tensor &input, const Tensor &weight, const Tensor &bias, at::IntArrayRef stride,
                        at::IntArrayRef padding) {
  using Signature = Tensor(const Tensor &, const Tensor &, const std::optional<Tensor> &, at::IntArrayRef,
                           at::IntArrayRef, at::IntArrayRef, int64_t, std::string_view,
                           c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto conv = c10::Dispatcher::singleton()
                               .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                               .typed<Signature>();
  const int64_t ones[2] = {1, 1};
  return conv.call(input, weight, bias, padding, stride, pair(ones), 1, "relu",
                   c10::List<std::optional<at::Scalar>>(), "");
}

}  // namespace

extern "C" {

void fused_free(char *message) { free(message); }

// results: output, mean, unbiased variance, the convolution's weight, what batch normalisation took and gave,
// saved mean, saved 1/std, cuDNN's reserve.
char *fused_conv_bn_relu(const Tensor *input, const Tensor *weight, const Tensor *gamma, const Tensor *beta,
                         const int64_t *stride, const int64_t *padding, double epsilon, const int8_t *formats,
                         Tensor **results, int64_t *kernel) {
  return guarded([&] {
    const Formats in(formats);
    const int64_t ones[2] = {1, 1}, none[2] = {0, 0};
    Tensor kernel_weight = laid_out(*weight, in.convolution, *input);
    Tensor convolved = at::convolution(input->to(in.convolution), kernel_weight, {}, pair(stride), pair(padding),
                                       pair(ones), false, pair(none), 1).to(in.normalised);
    Tensor scale = gamma->to(in.normalisation), shift = beta->to(in.normalisation);
    // Running statistics that the newest batch replaces (momentum 1) are the batch's own.
    Tensor mean = at::zeros_like(scale), variance = at::zeros_like(scale);
    auto [normalised, saved_mean, inverse_std, reserve, index] = at::_batch_norm_impl_index(
        convolved, scale, shift, mean, variance, true, 1.0, epsilon, true);
    at::relu_(normalised);
    const auto own = gamma->scalar_type();
    const Tensor all[9] = {normalised.to(in.output), mean.to(own), variance.to(own), kernel_weight, convolved,
                           normalised,               saved_mean,   inverse_std,      reserve};
    for (int i = 0; i < 9; i++) results[i] = give(all[i]);
    *kernel = index;
  });
}

// results: gradients of input, weight, gamma, beta, each in its tensor's format; null where wanted[i] is false.
// weight, convolved and output are what the forward pass gave: the output before its last change of format.
// Gradients of the weight are in f32, as the weight itself.
char *fused_conv_bn_relu_backward(const Tensor *output_gradient, const Tensor *input, const Tensor *weight,
                                  const Tensor *gamma, const Tensor *convolved, const Tensor *output,
                                  const Tensor *mean, const Tensor *inverse_std, const Tensor *reserve,
                                  int64_t kernel, const int64_t *stride, const int64_t *padding, double epsilon,
                                  const int8_t *formats, const bool *wanted, Tensor **results) {
  return guarded([&] {
    const Formats in(formats);
    const int64_t ones[2] = {1, 1}, none[2] = {0, 0};
    const bool convolution_wanted = wanted[0] || wanted[1];
    Tensor gradient = at::threshold_backward(output_gradient->to(in.normalised), *output, 0);
    auto [normalised, by_gamma, by_beta] = at::_batch_norm_impl_index_backward(
        kernel, *convolved, gradient, gamma->to(in.normalisation), {}, {}, *mean, *inverse_std, true, epsilon,
        {convolution_wanted, wanted[2], wanted[3]}, *reserve);
    gradient.reset();
    Tensor by_input, by_weight;
    if (convolution_wanted) {
      std::tie(by_input, by_weight, std::ignore) = at::convolution_backward(
          normalised.to(in.convolution), input->to(in.convolution), *weight, at::OptionalIntArrayRef(),
          pair(stride), pair(padding), pair(ones), false, pair(none), 1, {wanted[0], wanted[1], false});
    }
    const Tensor all[4] = {by_input, by_weight, by_gamma, by_beta};
    const at::ScalarType own[4] = {input->scalar_type(), at::kFloat, gamma->scalar_type(), gamma->scalar_type()};
    for (int i = 0; i < 4; i++) results[i] = wanted[i] ? give(all[i].to(own[i])) : nullptr;
  });
}

// result: relu(conv(input, weight) + bias), computed in the weight's format, given in the input's.
char *fused_conv_bias_relu(const Tensor *input, const Tensor *weight, const Tensor *bias, const int64_t *stride,
                           const int64_t *padding, Tensor **result) {
  return guarded([&] {
    const int64_t ones[2] = {1, 1}, none[2] = {0, 0};
    const auto type = weight->scalar_type();
    Tensor images = input->to(type), output;
    if (images.is_cpu() && type == at::kFloat && at::globalContext().hasMKLDNN()) {
      output = onednn_conv_relu(images, *weight, *bias, pair(stride), pair(padding));
    } else {
      output = at::convolution(images, *weight, *bias, pair(stride), pair(padding), pair(ones), false, pair(none), 1);
      at::relu_(output);
    }
    *result = give(output.to(input->scalar_type()));
  });
}

// result: a copy on that GPU of the bytes at values. Staged in pinned memory, which LibTorch keeps for the next
// time, and copied on a stream that belongs to the calling thread, so it waits for nothing that computes.
char *fused_upload(const void *values, size_t bytes, int8_t scalar_type, const int64_t *shape, size_t rank, int8_t gpu,
                   Tensor **result) {
  return guarded([&] {
    const c10::Device device(c10::kCUDA, gpu);
    const c10::DeviceGuard on(device);
    const auto options = at::TensorOptions().dtype(at::ScalarType(scalar_type));
    Tensor staged = at::empty(at::IntArrayRef(shape, rank), options.pinned_memory(true));
    TORCH_CHECK(staged.nbytes() == bytes, "the values are ", bytes, " bytes, the shape takes ", staged.nbytes());
    memcpy(staged.mutable_data_ptr(), values, bytes);

    const c10::impl::VirtualGuardImpl streams(c10::kCUDA);
    const c10::Stream computing = streams.getStream(device);
    static thread_local std::unordered_map<int8_t, c10::Stream> own;
    auto found = own.find(gpu);
    if (found == own.end()) found = own.emplace(gpu, streams.getStreamFromGlobalPool(device)).first;
    const c10::Stream copying = found->second;
    Tensor uploaded;
    {
      const c10::StreamGuard here(copying);
      uploaded = at::empty(staged.sizes(), options.device(device));
      uploaded.copy_(staged, true);
    }
    uploaded.record_stream(computing);  // its memory is not given to the next upload before that is done with it
    copying.synchronize();
    *result = give(uploaded);
  });
}

}  // extern "C"
