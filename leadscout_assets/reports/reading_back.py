"""stub"""

from leadscout_assets.checks import ReportFacts


def read_back(reports_dir, files):
    return ReportFacts(0, 0, {})
