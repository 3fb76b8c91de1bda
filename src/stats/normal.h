// The normal distribution, the Kolmogorov distribution and chi-squared, as far as intervals and tests need them.
// Pure. NaN in gives NaN out.
#pragma once

namespace millrace::stats {

double normal_cdf(double z);  // P(Z <= z) = erfc(-z / sqrt 2) / 2; accurate in the lower tail to 1e-300

// The z with normal_cdf(z) = p: Newton's method on log P from the start of Abramowitz & Stegun 26.2.23; relative error
// below 1e-12. p = 0 and 1 give the infinities, p outside [0, 1] NaN.
double normal_quantile(double p);

// z of a two-sided interval: 0.95 gives 1.96. NaN unless 0 < confidence < 1.
double two_sided_z(double confidence);

// P(K > x) of Kolmogorov's limiting distribution: 2 sum (-1)^(k-1) exp(-2 k^2 x^2). 1 for x <= 0.
double kolmogorov_tail(double x);

// P(X > x) of chi-squared: the regularised upper incomplete gamma function Q(df/2, x/2), by its series or continued
// fraction (Press et al., Numerical Recipes, 6.2). NaN unless df > 0; 1 for x <= 0.
double chi_squared_tail(double x, double df);

}  // namespace millrace::stats
