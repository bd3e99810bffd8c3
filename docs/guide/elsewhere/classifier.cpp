#include <onnxruntime_cxx_api.h>

#include <array>
#include <string>
#include <vector>

struct Classified {
  std::string label;
  std::vector<float> probabilities;
};

class Classifier {
 public:
  explicit Classifier(const ORTCHAR_T* path)
      : session_(environment_, path, Ort::SessionOptions()) {}

  // Both are of height * width values, row by row; the mask is 1 inside.
  Classified operator()(std::vector<float>& image, std::vector<char>& mask,
                        int64_t height, int64_t width) {
    const std::array<int64_t, 2> shape{height, width};
    std::array<Ort::Value, 2> inputs{
        Ort::Value::CreateTensor<float>(memory_, image.data(), image.size(),
                                        shape.data(), shape.size()),
        Ort::Value::CreateTensor(memory_, mask.data(), mask.size(), shape.data(),
                                 shape.size(), ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL)};
    const char* input_names[] = {"image", "mask"};
    const char* output_names[] = {"label", "probabilities"};
    auto outputs = session_.Run(Ort::RunOptions(), input_names, inputs.data(), 2,
                                output_names, 2);
    const float* first = outputs[1].GetTensorData<float>();
    const size_t count = outputs[1].GetTensorTypeAndShapeInfo().GetElementCount();
    return {outputs[0].GetStringTensorElement(0), {first, first + count}};
  }

 private:
  Ort::Env environment_;
  Ort::Session session_;
  Ort::MemoryInfo memory_ =
      Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
};
