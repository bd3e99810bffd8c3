using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

sealed class Classifier : IDisposable
{
    private readonly InferenceSession session;

    public Classifier(string path) => session = new InferenceSession(path);

    public void Dispose() => session.Dispose();

    // Both are of height * width values, row by row; the mask is true inside.
    public (string Label, float[] Probabilities) Classify(
        float[] image, bool[] mask, int height, int width)
    {
        var shape = new[] { height, width };
        var inputs = new List<NamedOnnxValue>
        {
            NamedOnnxValue.CreateFromTensor("image", new DenseTensor<float>(image, shape)),
            NamedOnnxValue.CreateFromTensor("mask", new DenseTensor<bool>(mask, shape)),
        };
        using (var outputs = session.Run(inputs))
        {
            var byName = outputs.ToDictionary(output => output.Name);
            return (
                byName["label"].AsEnumerable<string>().Single(),
                byName["probabilities"].AsEnumerable<float>().ToArray());
        }
    }
}
