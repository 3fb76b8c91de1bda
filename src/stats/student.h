// Student's t distribution, for differences of means of unequal variance. Pure. NaN in gives NaN out.
#pragma once

namespace millrace::stats {

// P(T <= t) with df degrees of freedom: half the regularised incomplete beta function I(df / (df + t^2); df/2, 1/2) by
// its continued fraction (Press et al., Numerical Recipes, 6.4). NaN unless df > 0; df may be infinite (the normal
// distribution).
double student_cdf(double t, double df);

// The t of a two-sided interval: (0.95, infinity) gives 1.96. Newton's method from the normal quantile, kept within a
// bracket; relative error below 1e-10. NaN unless 0 < confidence < 1 and df > 0.
double two_sided_t(double confidence, double df);

}  // namespace millrace::stats
