"""A document of facts as half a year of the flights example leaves it, made up so that every part of the report has
something to show: two versions, a canary in August, temperatures in Celsius in October, renamed carriers in November.

Run: python make.py > flights.json
"""
import hashlib
import json
import math
import random

CHANCE = random.Random(2013)
MONTHS = [7, 8, 9, 10, 11, 12]
DAYS = {7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
ROWS = {7: 28484, 8: 28756, 9: 27122, 10: 28653, 11: 27035, 12: 27110}


def day(month, date=1, hour=0):
    year, month = (2013, month) if month <= 12 else (2014, month - 12)
    return f"{year}-{month:02d}-{date:02d}T{hour:02d}:00:00.000000Z"


def digest(words):
    return "sha256:" + hashlib.sha256(words.encode()).hexdigest()


def near(value, spread, places=4):
    return round(value + CHANCE.uniform(-spread, spread), places)


def interval(value, half, n, places=4):
    value = near(value, half / 3, places)
    return {"value": value, "low": round(value - half, places), "high": round(value + half, places), "n": n}


def datasets():
    out = []
    for number in range(1, 13):
        for name, rows, bad in (("flights", 27000 + number * 37 % 900, 0), ("weather", 2160 + number * 7 % 30, 0)):
            version = {"dataset": name, "version": number, "node": f"dataset:{name}@{number}", "verdict": "accepted", "rows": rows,
                       "accepted": rows, "quarantined": bad, "digest": digest(name + str(number)), "from": day(number),
                       "to": day(number + 1), "recorded_at": f"2026-11-20T10:{number:02d}:00.000000Z", "reasons": []}
            if (name, number) == ("flights", 11):
                version.update(verdict="quarantined", quarantined=702, accepted=rows - 702, reasons=[
                    {"rule": "carrier.foreignKey", "column": "carrier", "rows": 702, "value": 0.026, "limit": "airlines.carrier",
                     "text": "carrier is in no row of airlines"}])
            if (name, number) == ("weather", 2):
                version.update(verdict="rejected", rows=611, accepted=0, quarantined=0, reasons=[
                    {"rule": "rowCount", "column": None, "rows": None, "value": 611, "limit": "at least 1,800",
                     "text": "the batch has 611 rows, at least 1,800 are asked for"}])
            out.append(version)
    for name, rows, bad in (("airlines", 16, 0), ("airports", 1458, 0), ("planes", 3322, 41)):
        reasons = [{"rule": "seats.range", "column": "seats", "rows": 41, "value": 0.0123, "limit": "20 to 450",
                    "text": "seats is from 20 to 450"}] if bad else []
        out.append({"dataset": name, "version": 1, "node": f"dataset:{name}@1", "verdict": "quarantined" if bad else "accepted",
                    "rows": rows, "accepted": rows - bad, "quarantined": bad, "digest": digest(name), "from": None, "to": None,
                    "recorded_at": "2026-11-20T10:00:00.000000Z", "reasons": reasons})
    return out


def models():
    def gate(kind, value, half, limit, ok, reason, n=27400):
        return {"kind": kind, "parameters": {"min": limit}, "ok": ok, "reason": reason,
                "value": {"value": value, "low": round(value - half, 4), "high": round(value + half, 4), "level": 0.95, "n": n, "limit": limit}}

    def version(number, state, auc, recorded, approvals):
        return {"node": f"model:late@{number}", "model": "late", "version": number, "state": state, "run_id": digest(f"run{number}")[7:39],
                "stage": f"stage:train@{digest(str(number))[7:19]}", "author": "local:ada",
                "digests": {part: digest(part + str(number)) for part in ("model", "data", "code", "environment", "contract", "report")},
                "gates": [gate("auc", auc, 0.006, 0.76, auc > 0.766, f"AUC is {auc} on 27,400 rows, and the lower end of its 95 % interval, {auc - 0.006:.4f}, reaches 0.76"),
                          gate("calibration", 0.038, 0.003, 0.05, True, "chances are off by 3.8 points on average; at most 5 are allowed"),
                          gate("group_recall", 0.42, 0.045, 0.35, True, "the worst recall is 0.4200 (0.3750 to 0.4650), for carrier AA with 512 positives", 512),
                          {"kind": "contract_held", "parameters": {}, "ok": True, "value": 0.0123, "reason": "every batch kept its contract; 1.23 % of planes were set aside"},
                          {"kind": "card_complete", "parameters": {}, "ok": True, "value": None, "reason": "the card says what only people know"}],
                "approvals": approvals, "created_at": recorded}
    approval = {"subject": "grace", "why": "June holds, and so do all carriers", "at": "2026-11-20T11:02:00.000000Z", "covers": digest("c1"),
                "node": "approval:1", "holds": True}
    second = {"subject": "grace", "why": "July taught it the summer; better by 0.011", "at": "2026-11-20T12:40:00.000000Z", "covers": digest("c2"),
              "node": "approval:2", "holds": True}
    return [version(2, "approved", 0.809, "2026-11-20T12:30:00.000000Z", [second]),
            version(1, "approved", 0.798, "2026-11-20T11:00:00.000000Z", [approval])]


def runs():
    out = []
    for position, (stage, seconds) in enumerate((("training", 9), ("outcomes", 2), ("train", 61), ("evaluate", 4), ("requests", 8))):
        out.append({"stage": stage, "node": f"stage:{stage}@{digest(stage)[7:19]}", "state": "done", "key": digest(stage + "key"),
                    "run_id": digest(stage + "run")[7:39] if stage in ("train", "evaluate") else "", "started_at": f"2026-11-20T12:1{position}:00.000000Z",
                    "ended_at": f"2026-11-20T12:1{position + seconds // 60}:{seconds % 60:02d}.000000Z", "outs": 1})
    return out


def release(number, step, month, date, stable, canary, shadows, reason, subject="grace"):
    return {"node": f"release:late@{number}", "deployment": "late", "number": number, "model": "late", "version": stable, "step": step,
            "stable": {"model": "late", "version": stable}, "canary": canary, "shadows": shadows, "reason": reason, "subject": subject,
            "restores": None, "model_digest": digest(f"model{stable}"), "event_time": day(month, date), "created_at": f"2026-11-20T13:{number:02d}:00.000000Z"}


def releases():
    two = {"model": "late", "version": 2}
    return [release(1, "release", 7, 1, 1, None, [], "first version; June holds"),
            release(2, "shadow", 7, 15, 1, None, [two], "see how often version 2 would decide otherwise"),
            release(3, "canary", 8, 1, 1, {**two, "share": 0.1}, [], "flips are few; one aircraft in ten"),
            release(4, "canary", 8, 16, 1, {**two, "share": 0.3}, [], "no worse on the first fortnight; three in ten"),
            release(5, "promote", 9, 1, 2, None, [], "worth 1,300 USD more per 1,000 predictions in August")]


# name, role, kind, share of nulls, PSI by month July to December
COLUMNS = [("temp", "number", .01, [.05, .04, .11, 4.81, .42, .61]), ("dewp", "number", .01, [.06, .05, .10, 4.12, .36, .52]),
           ("carrier", "text", 0, [.00, .00, .01, .01, .31, .33]), ("humid", "number", .01, [.04, .06, .05, .05, .07, .09]),
           ("wind_speed", "number", .02, [.03, .04, .03, .05, .08, .07]), ("wind_gust", "number", .76, [.02, .02, .03, .04, .05, .04]),
           ("visib", "number", .01, [.01, .02, .03, .02, .04, .13]), ("hour", "number", 0, [.00, .00, .01, .01, .01, .01]),
           ("distance", "number", 0, [.01, .01, .01, .01, .01, .01]), ("origin", "text", 0, [0, 0, 0, 0, 0, 0]),
           ("previous_delay", "number", .22, [.07, .03, .12, .09, .08, .11]), ("dest_delay_28", "number", .02, [.16, .14, .19, .21, .12, .17])]
BELL = [100, 300, 700, 1200, 1500, 1500, 1200, 700, 300, 100]
CARRIERS = ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN"]
CARRIER_ROWS = [2700, 2550, 2500, 2250, 1520, 1230, 960, 860, 570]


def column(name, kind, nulls, psi, month):
    n = ROWS[month]
    out = {"column": name, "role": "input", "type": kind, "psi": near(psi, psi / 20), "js": round(min(0.95, 1 - math.exp(-psi / 6)), 4),
           "effect": round(min(3.1, math.sqrt(psi)) * (-1 if psi > 1 else 1), 3), "effect_kind": "cohens_d" if kind == "number" else "cramers_v", "n": n,
           "reference_n": 164000, "null_rate": near(nulls, nulls / 9), "reference_null_rate": nulls}
    if name == "wind_gust" and month == 12:
        out["null_rate"] = 0.842
    if kind == "text":
        names = CARRIERS if name == "carrier" else ["EWR", "JFK", "LGA"]
        rows = CARRIER_ROWS if name == "carrier" else [6000, 5600, 5200]
        now, others = list(rows), 0
        if name == "carrier" and month >= 11:
            now[1] = 0  # B6 became JBU
            others = 2550
        # The last two: all other categories, and what is missing.
        out |= {"categories": names, "counts": [*now, others, 0], "reference_counts": [*(r * 10 for r in rows), 0, 0]}
        return out
    edges = [float(10 * (i + 1)) for i in range(9)]
    move = 0 if psi < 0.1 else 1
    now = BELL[move:] + [40] * move
    if psi > 1:
        now = [5200, 2100, 260, 20, 0, 0, 0, 0, 0, 0]
    # The last one: what is missing.
    missing = [round(sum(rows) * share / (1 - share)) for rows, share in ((now, nulls), ([b * 20 for b in BELL], nulls))]
    out |= {"edges": edges, "counts": [*now, missing[0]], "reference_counts": [*(b * 20 for b in BELL), missing[1]]}
    return out


def score_column(month):
    return {**column("probability", "number", 0, {7: .02, 8: .03, 9: .08, 10: .14, 11: .12, 12: .16}[month], month), "role": "score"}


def performance(month, version, n):
    auc = {7: .801, 8: .796, 9: .789, 10: .741, 11: .716, 12: .774}[month] + (.011 if version == 2 and month <= 9 else 0)
    base = {7: .24, 8: .17, 9: .11, 10: .12, 11: .13, 12: .25}[month]
    half = 0.9 / math.sqrt(n * base)
    positives = int(n * base)
    recall, precision = (auc - .3) * 1.02, min(.6, base * 2.3)
    tp = int(positives * recall)
    fp = int(tp / precision) - tp
    return {"auc": interval(auc, half, n), "recall": interval(recall, half * 1.6, positives), "precision": interval(precision, half * 1.5, tp + fp),
            "log_loss": interval(.46 - (auc - .75) + (base - .15), half / 2, n), "brier": interval(.13, half / 4, n),
            "calibration_error": interval({7: .031, 8: .034, 9: .045, 10: .061, 11: .049, 12: .066}[month], half / 2, n),
            "base_rate": interval(base, half / 2, n), "mean_score": interval(base - .03, half / 4, n), "threshold": 0.21,
            "confusion": {"tp": tp, "fp": fp, "fn": positives - tp, "tn": n - positives - fp}}


def window(month, arm, version, share, first=1):
    asked = int(ROWS[month] * share)
    refused = int(asked * (.0232 if month == 11 else .0003))
    labels = int((asked - refused) * (.981 if month < 12 else .642))
    refusals = [{"field": "carrier", "rule": "set", "count": refused - 2}, {"field": "distance", "rule": "minimum", "count": 2}] if month == 11 else [
        {"field": "visib", "rule": "maximum", "count": refused}] if refused else []
    slow = 2.6 if month == 12 else 1
    summary = {"requests": asked, "answered": asked - refused, "refused": refused, "failed": 0, "labels": labels, "refusals": refusals,
               "latency_us": {"p50": near(410, 20, 0), "p95": near(900 * slow, 60, 0), "p99": near(2100 * slow, 200, 0), "mean": near(520, 30, 0)},
               "performance": performance(month, version or (1 if month < 9 else 2), labels), "columns": [], "difference": None}
    if arm == "all":
        summary["columns"] = [column(name, kind, nulls, psi[month - 7], month) for name, kind, nulls, psi in COLUMNS] + [score_column(month)]
    if arm == "shadow":
        summary["difference"] = {"n": asked - refused, "mean_abs": .0213, "max_abs": .2871, "flips": 512, "flip_rate": .0333, "correlation": .971}
    return {"deployment": "late", "from": day(month), "to": day(month + 1), "arm": arm, "model": "late", "version": version, "revision": 2,
            "as_of": day(month + 1), "summary": summary, "recorded_at": f"2026-11-20T14:{month:02d}:00.000000Z"}


def windows():
    out = []
    for month in MONTHS:
        out.append(window(month, "all", 0, 1))
        out.append(window(month, "stable", 1 if month < 9 else 2, .8 if month == 8 else 1))
    out.append(window(7, "shadow", 2, .54))
    out.append(window(8, "canary", 2, .2))
    return out


def series(first, break_at, before, after, length=24):
    return [{"day": f"2013-{'09' if n < 12 else '10'}-{n + 19 if n < 12 else n - 11:02d}" if first == 9 else
             f"2013-{'10' if n < 12 else '11'}-{n + 20 if n < 12 else n - 11:02d}", "value": near(before if n < break_at else after, abs(before) * .08, 2)}
            for n in range(length)]


def celsius(name, value):
    return {"verdict": "cause", "at": "2026-11-20T14:31:00.000000Z",
            "summary": f"The weather batch of October reports {name} in degrees Celsius; all batches before, and the reference, are in Fahrenheit.",
            "candidates": [{"rank": 1, "node": "dataset:weather@10", "kind": "data", "dataset": "weather", "version": 10, "columns": ["temp", "dewp"], "change": "unit",
                            "score": .97, "path": [f"weather.{name}", f"requests_10.{name}", name],
                            "evidence": [{"kind": "jump_at_batch_boundary", "text": f"From 30 Sep to 1 Oct the daily mean of {name} falls from {value[0]} to {value[1]}; in the year before, no day moved by more than 24.",
                                          "value": round(value[0] - value[1], 1), "limit": 24, "series": series(9, 12, *value)},
                                         {"kind": "broken_relation", "text": f"{name} after = 0.556 x ({name} before - 32.1), the conversion from Fahrenheit to Celsius, fits with a mean error of 0.02.", "value": .02, "limit": .5},
                                         {"kind": "parents_normal", "text": "The columns humid, wind_speed and visib of the same batch are as in September.", "value": .04, "limit": .1}]},
                           {"rank": 2, "node": "dataset:flights@10", "kind": "data", "dataset": "flights", "version": 10, "columns": [], "change": "shift", "score": .08,
                            "path": ["flights.time_hour"], "evidence": []}],
            "cause": {"node": "dataset:weather@10", "columns": ["temp", "dewp"], "change": "unit"}}


def carriers():
    return {"verdict": "cause", "at": "2026-11-20T14:33:00.000000Z",
            "summary": "The flights batch of November writes the carrier B6 as JBU, which no row of airlines names and no model was taught.",
            "candidates": [{"rank": 1, "node": "dataset:flights@11", "kind": "data", "dataset": "flights", "version": 11, "columns": ["carrier"], "change": "recode",
                            "score": .94, "path": ["flights.carrier", "requests_11.carrier", "carrier"],
                            "evidence": [{"kind": "new_category", "text": "JBU is 16.1 % of the rows from 1 Nov on and was never seen before; B6, 16.3 % before, is gone on the same day.",
                                          "value": .161, "limit": .01, "series": series(10, 12, .163, 0.001)},
                                         {"kind": "quarantine", "text": "702 rows (2.6 %) of the batch name a carrier that airlines does not have.", "value": .026, "limit": .01}]}],
            "cause": {"node": "dataset:flights@11", "columns": ["carrier"], "change": "recode"}}


def natural(words):
    return {"verdict": "natural_drift", "at": "2026-11-20T14:35:00.000000Z", "summary": words, "candidates": [], "cause": None}


def alert(number, kind, subject, severity, state, month, fired, value, limit, trace=None, version=0, arm="all", acknowledged=None, resolved=None, action=None, owner="", note=""):
    return {"id": f"alert-{number:04d}", "deployment": "late", "kind": kind, "subject": subject, "arm": arm, "version": version, "severity": severity, "state": state,
            "from": day(month), "to": day(month + 1), "first_from": day(month), "pending_at": fired, "fired_at": fired, "acknowledged_at": acknowledged,
            "resolved_at": resolved, "value": value, "limit": limit, "evidence": {"n": ROWS[month]}, "trace": trace, "action": action, "owner": owner, "note": note}


def alerts():
    review = {"kind": "review", "id": "review-1", "reason": "a page is looked at by people", "at": day(11, 1)}
    refused = {"kind": "refused", "id": "", "reason": "not retrained: the cause is broken input (dataset:weather@10)", "at": day(11, 1)}
    retrain = {"kind": "retrain", "id": "job-17", "reason": "natural drift; the pipeline's target reevaluate runs", "at": day(10, 1)}
    return [alert(1, "drift", "dest_delay_28", "warn", "resolved", 7, day(8, 1), .16, .1, natural("Delays differ from winter's in every airport alike, as the summer before."), resolved=day(12, 1), owner="grace", note="seasonal"),
            alert(2, "quarantine", "planes", "warn", "acknowledged", 7, day(8, 1), .0123, .01, None, acknowledged=day(8, 3), owner="ada", note="41 machines that are no airliners; known"),
            alert(3, "drift", "previous_delay", "warn", "resolved", 9, day(10, 1), .12, .1, natural("September has the fewest delays of the year; all origins move together."), resolved=day(11, 1), action=retrain),
            alert(4, "drift", "temp", "page", "resolved", 10, day(11, 1), 4.81, .25, celsius("temp", (66.4, 17.2)), acknowledged=day(11, 2), resolved=day(12, 1), action=refused, owner="ada", note="the feed's change of 1 Oct is undone"),
            alert(5, "drift", "dewp", "page", "resolved", 10, day(11, 1), 4.12, .25, celsius("dewp", (54.8, 11.9)), acknowledged=day(11, 2), resolved=day(12, 1), action=refused, owner="ada"),
            alert(6, "performance", "auc", "warn", "resolved", 10, day(11, 1), .741, .75, celsius("temp", (66.4, 17.2)), version=2, arm="stable", resolved=day(12, 1), action=review),
            alert(7, "performance", "calibration_error", "warn", "resolved", 10, day(11, 1), .061, .06, None, version=2, arm="stable", resolved=day(12, 1)),
            alert(8, "drift", "carrier", "page", "firing", 12, day(12, 1), .33, .25, carriers(), action=refused),
            alert(9, "refusals", "carrier", "page", "resolved", 11, day(12, 1), .0231, .02, carriers(), resolved=day(13, 1), action=review),
            alert(10, "performance", "auc", "page", "resolved", 11, day(12, 1), .716, .72, carriers(), version=2, arm="stable", acknowledged=day(12, 2), resolved=day(13, 1), action=review, owner="grace", note="watching December"),
            alert(11, "nulls", "wind_gust", "warn", "pending", 12, None, .082, .05),
            alert(12, "drift", "temp", "page", "firing", 12, day(13, 1), .61, .25, natural("December is colder than the reference's January to June, in all three airports and day by day."), action=review)]


def impact():
    outcomes = {"true_positive": 60, "false_positive": -15, "false_negative": -40, "true_negative": 0}
    order = ("tp", "fp", "fn", "tn")
    money = dict(zip(order, outcomes.values()))
    months, total = [], {"value": 0, "spread": 0, "gain": 0, "gain_spread": 0, "labels": 0, "requests": 0}
    for one in windows():
        if one["arm"] == "all":
            continue
        counts = one["summary"]["performance"]["confusion"]
        n = sum(counts.values())

        def worth(values):
            mean = sum(counts[k] * values[k] for k in order) / n
            spread = sum(counts[k] * (values[k] - mean) ** 2 for k in order) / (n - 1)
            half = 1.959964 * math.sqrt(n * spread)
            return {"value": round(n * mean, 2), "low": round(n * mean - half, 2), "high": round(n * mean + half, 2)}, spread * n
        value, spread = worth(money)
        gain, gain_spread = worth({"tp": 100, "fp": -15, "fn": 0, "tn": 0})
        per = {k: round(v * 1000 / n, 2) for k, v in value.items()} | {"n": n}
        labels, asked = one["summary"]["labels"], one["summary"]["requests"]
        months.append({"month": one["from"][:7], "arm": one["arm"], "model": "late", "version": one["version"], "served": one["arm"] != "shadow",
                       "requests": asked, "labels": labels, "counts": counts, "total": value, "per_1000": per,
                       "gain": {"total": gain, "per_1000": {k: round(v * 1000 / n, 2) for k, v in gain.items()} | {"n": n}},
                       "cost_per_1000": {"compute": 7.2e-6, "labels": round(labels / asked * 2, 3), "total": round(labels / asked * 2, 3)}, "mean_us": 520.0})
        if one["arm"] != "shadow":
            for key, more in (("value", value["value"]), ("spread", spread), ("gain", gain["value"]), ("gain_spread", gain_spread), ("labels", labels), ("requests", asked)):
                total[key] += more

    def sum_of(name, spread):
        half = 1.959964 * math.sqrt(total[spread])
        return {"value": round(total[name], 2), "low": round(total[name] - half, 2), "high": round(total[name] + half, 2)}
    lead = [{"release": f"release:late@{n}", "number": n, "step": step, "model": "late", "version": v, "newest_event": day(m), "newest_recorded": "2026-11-20T10:12:00.000000Z",
             "event_seconds": s, "recorded_seconds": 7200.0 + 300 * n} for n, step, v, m, s in ((1, "release", 1, 7, 0.0), (5, "promote", 2, 8, 2678400.0))]
    reactions = [{"alert": a["id"], "kind": a["kind"], "subject": a["subject"], "cause": a["trace"]["cause"]["node"], "cause_from": day(10 if "weather" in a["trace"]["cause"]["node"] else 11),
                  "fired_at": a["fired_at"], "resolved_at": a["resolved_at"], "detect_seconds": 2678400.0 if "weather" in a["trace"]["cause"]["node"] else 2592000.0,
                  "restore_seconds": None if a["resolved_at"] is None else 2592000.0, "open": a["resolved_at"] is None}
                 for a in alerts() if a["trace"] and a["trace"]["verdict"] == "cause"]
    return {"deployment": "late", "currency": "USD", "outcomes": outcomes, "prices": {"cpu_hour": .05, "label": .002}, "confidence": .95,
            "method": "Mean and variance of the value of one prediction follow exactly from the counts of its four outcomes; intervals of 95 % are normal on the sum, and Welch's for a difference.",
            "months": sorted(months, key=lambda m: (m["month"], m["arm"])),
            "differences": [{"month": "2013-08", "canary": 2, "stable": 1, "per_1000": {"value": 1306.4, "low": 118.2, "high": 2494.6}, "df": 8741.3, "verdict": "better"}],
            "total": {"labels": total["labels"], "requests": total["requests"], "counts": {}, "value": sum_of("value", "spread"), "gain": sum_of("gain", "gain_spread"), "cost": 312.45},
            "lead_times": lead, "reactions": reactions}


def facts():
    limits = {"performance": {"auc": {"page_below": .72, "warn_below": .75}, "calibration_error": {"warn_above": .06}},
              "drift": {"psi": {"warn": .1, "page": .25}}, "latency": {"p99_us": {"warn": 5000}}, "window": "month"}
    return {"format": 1, "made_at": "2026-11-20T15:00:00.000000Z", "millrace": "0.1.0", "workspace": "default", "project": {"name": "flights", "digest": digest("p")},
            "datasets": datasets(), "runs": runs(), "models": models(),
            "deployments": [{"name": "late", "model": "late", "event_now": day(13), "monitor": limits, "releases": releases(), "windows": windows(), "alerts": alerts(),
                             "reviews": [{"id": "review-1", "summary": "AUC of version 2 fell to 0.741 in October", "subjects": [{"node": "alert:alert-0006"}], "state": "closed", "decision": "confirmed", "by": "ada", "why": "the feed is repaired", "opened_at": day(11, 1), "closed_at": day(11, 3)},
                                         {"id": "review-2", "summary": "The flights batch of November writes B6 as JBU", "subjects": [{"node": "alert:alert-0010"}, {"node": "alert:alert-0009"}], "state": "open", "decision": None, "by": None, "why": None, "opened_at": day(12, 1), "closed_at": None}],
                             "impact": impact()}],
            "audit": {"intact": True, "lines": 412, "head": digest("head"), "first_bad": 0, "reason": ""}, "notes": []}


print(json.dumps(facts(), separators=(",", ":"), sort_keys=True))
