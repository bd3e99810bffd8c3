"""The page on which an expert labels particles: pictures, contents, scripts."""
