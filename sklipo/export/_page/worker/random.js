// A generator of random numbers: the same seed, the same numbers in every browser.

export function makeGenerator(seed) {
  const uniform = smallFast(seed);

  function normal() {
    for (;;) {
      const [x, y] = [2 * uniform() - 1, 2 * uniform() - 1];
      const square = x * x + y * y;
      if (square > 0 && square < 1) return x * Math.sqrt((-2 * Math.log(square)) / square);
    }
  }

  // G. Marsaglia and W. W. Tsang, "A simple method for generating gamma variables", 2000.
  function gamma(shape) {
    if (shape < 1) return gamma(shape + 1) * (1 - uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = normal();
      const v = (1 + c * x) ** 3;
      if (v > 0 && Math.log(1 - uniform()) < (x * x) / 2 + d - d * v + d * Math.log(v)) {
        return d * v;
      }
    }
  }

  return {
    gamma,
    exponential: () => -Math.log(1 - uniform()),
    integer: (n) => Math.floor(n * uniform()),
  };
}

// sfc32 of C. Doty-Humphrey's PractRand: numbers from 0 to below 1.
function smallFast(seed) {
  let [a, b, c, counter] = [0, seed, 0, 1];
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result | 0;
    return (result >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}
